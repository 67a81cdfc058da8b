/** Which snapshots must not be deleted now, because a transfer reads or builds on them. */
import type { ReceptionContext } from '../actors/reception_events.js';
import type { TransferContext } from '../actors/transfer_events.js';
import { IcbdError } from '../core/errors.js';
import type { Storage } from '../storage/storage.js';

interface Use {
  readonly number: string;
  readonly parent: string | undefined;
}

function assertUnused(
  storage: Storage,
  kind: 'transfer' | 'reception',
  image: string,
  number: string,
  useOf: (context: unknown) => Use,
): void {
  const running = storage.actors.list({ kind, image, settled: false, limit: 100_000 });
  const user = running.find(({ snapshot }) => {
    const use = useOf(snapshot.context);
    return use.number === number || use.parent === number;
  });
  if (user === undefined) return;
  const { replica } = user.labels;
  const where = replica === undefined ? '' : ` to ${replica}`;
  throw new IcbdError('SnapshotInUse', `the transfer ${user.id}${where} needs ${image}/${number}`, {
    operation: 'delete snapshot',
    subject: `${image}/${number}`,
    hint: `wait for it, or cancel it on the master: icbdrep transfer cancel ${user.id}`,
  });
}

/**
 * On the master: refuses a snapshot that a transfer sends, or is based on.
 * @throws IcbdError `SnapshotInUse`
 */
export function assertNotSending(storage: Storage, image: string, number: string): void {
  assertUnused(storage, 'transfer', image, number, (context) => {
    const { number: own, plan } = context as TransferContext;
    return { number: own, parent: plan?.parent?.number };
  });
}

/**
 * On a replica: refuses a snapshot that a running reception is based on.
 * @throws IcbdError `SnapshotInUse`
 */
export function assertNotReceiving(storage: Storage, image: string, number: string): void {
  assertUnused(storage, 'reception', image, number, (context) => {
    const { number: own, parent } = context as ReceptionContext;
    return { number: own, parent: parent?.number };
  });
}
