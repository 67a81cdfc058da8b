import type { ReceptionContext } from '../actors/reception.js';
import { IcbdError } from '../core/errors.js';
import type { Storage } from '../storage/storage.js';

/**
 * Refuses to delete a snapshot that a running reception is based on.
 * @throws IcbdError `SnapshotInUse`
 */
export function assertNotReceiving(storage: Storage, image: string, number: string): void {
  const running = storage.actors.list({ kind: 'reception', image, settled: false, limit: 100_000 });
  const user = running.find(({ snapshot }) => {
    const context = snapshot.context as ReceptionContext;
    return context.number === number || context.parent?.number === number;
  });
  if (user === undefined) return;
  throw new IcbdError('SnapshotInUse', `the transfer ${user.id} needs ${image}/${number}`, {
    operation: 'delete snapshot',
    subject: `${image}/${number}`,
    hint: `wait for it, or cancel it on the master: icbdrep transfer cancel ${user.id}`,
  });
}
