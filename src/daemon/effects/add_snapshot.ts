/** Takes a subvolume that somebody else made into an image, as a snapshot. */
import path from 'node:path';
import type { SnapshotStore, SubvolumeInfo } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';

const operation = 'add snapshot';

/** Its content is not what the uuid says any more, and copies would be taken for the same. */
function checkIdentity(path: string, { read_only, received_uuid }: SubvolumeInfo): void {
  if (read_only || received_uuid === '') return;
  throw new IcbdError('InvalidArgument', `${path} was received, and may have been changed since`, {
    operation,
    subject: path,
    hint: 'take a writable snapshot of it, which has an identity of its own, and add that',
  });
}

async function checkNotSource(
  store: SnapshotStore,
  source: string,
  { uuid }: SubvolumeInfo,
  path: string,
): Promise<void> {
  const is_source =
    source !== '' && (await store.isSubvolume(source)) && (await store.inspect(source)).uuid === uuid;
  if (!is_source) return;
  throw new IcbdError('InvalidArgument', `${path} is the source that the image's snapshots are taken of`, {
    operation,
    subject: path,
    hint: 'icbdrep snapshot create takes a snapshot of it; made read-only, the VM could not go on writing',
  });
}

export interface SnapshotAddition {
  /** The image's directory. */
  readonly directory: string;
  /** Of the image; empty if it has none. */
  readonly source: string;
  readonly number: string;
  /** Path of the subvolume to take a read-only snapshot of; empty: the one that stands under the number. */
  readonly from: string;
}

/**
 * @throws IcbdError `BtrfsSubvolumeNotFound`, `SnapshotAlreadyExists`, `InvalidArgument` (the image's source, or a
 *   subvolume whose received_uuid may be wrong)
 */
export async function addSnapshot(store: SnapshotStore, addition: SnapshotAddition): Promise<void> {
  const { directory, source, number, from } = addition;
  const target = path.join(directory, number);
  if (from !== '') {
    checkIdentity(from, await store.inspect(from));
    await store.createSnapshot(from, target);
    await store.sync(directory);
    return;
  }
  const found = await store.inspect(target);
  if (found.read_only) {
    throw new IcbdError('SnapshotAlreadyExists', `${target} is a snapshot already`, {
      operation,
      subject: target,
    });
  }
  await checkNotSource(store, source, found, target);
  checkIdentity(target, found);
  // What is read-only counts as complete: it must be on disk before it is, and stay so after a power cut.
  await store.sync(directory);
  await store.setReadOnly(target);
  await store.sync(directory);
}
