import path from 'node:path';
import type { AttemptPlan } from '../../actors/transfer_events.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import { identityOf } from '../../core/lineage.js';
import type { StreamOrigin } from '../live_streams.js';

interface Where {
  readonly store: Pick<SnapshotStore, 'inspect'>;
  readonly imagePath: (image: string) => string;
}

interface What {
  readonly image: string;
  readonly number: string;
  readonly plan: AttemptPlan;
}

async function findSnapshot(
  { store, imagePath }: Where,
  image: string,
  snapshot: { readonly number: string; readonly uuid: string },
): Promise<string> {
  const snapshot_path = path.join(imagePath(image), snapshot.number);
  const found = await store.inspect(snapshot_path).catch((thrown: unknown) => {
    if (thrown instanceof IcbdError && thrown.code === 'BtrfsSubvolumeNotFound') return undefined;
    throw thrown;
  });
  if (found?.read_only === true && identityOf(found) === snapshot.uuid) return snapshot_path;
  const subject = `${image}/${snapshot.number}`;
  throw new IcbdError('SnapshotNotFound', `the snapshot ${subject} is gone or replaced`, {
    operation: 'send',
    subject,
    // Planning again finds another parent, or says for good that the snapshot is gone.
    retryable: true,
  });
}

/**
 * Where the stream of a plan is read from. The snapshots are found by their uuids as planned: a number may mean
 * another one by now.
 * @throws IcbdError `SnapshotNotFound`, retryable
 */
export async function findOrigin(where: Where, { image, number, plan }: What): Promise<StreamOrigin> {
  const { uuid, parent, stream_version } = plan;
  return {
    source: { uuid, parent_uuid: parent?.uuid ?? null, stream_version },
    path: await findSnapshot(where, image, { number, uuid }),
    parent_path: parent === null ? null : await findSnapshot(where, image, parent),
  };
}
