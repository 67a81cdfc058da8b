/** The hidden subvolumes of a receiving that can be resumed. */
import { join } from 'node:path';
import { IcbdError } from '../core/errors.js';
import { identityOf } from '../core/lineage.js';
import { segmentNamePrefix } from '../stream/segment.js';
import type { SnapshotStore } from './snapshot_store.js';

/**
 * Deletes the parts of a receiving, whatever state they are in, but for one. Idempotent.
 * @param seed as the segments were named with
 * @param keep a name; what is of another seed is not touched anyway
 */
export async function deleteParts(
  store: SnapshotStore,
  directory: string,
  seed: string,
  keep?: string | null,
): Promise<void> {
  const prefix = segmentNamePrefix(seed);
  for (const name of await store.listHidden(directory)) {
    if (name.startsWith(prefix) && name !== keep) await store.deleteSubvolume(join(directory, name));
  }
}

/** Whether a subvolume of this identity stands there and is complete: read-only, which is set last. */
export async function standsComplete(store: SnapshotStore, path: string, uuid: string): Promise<boolean> {
  try {
    const found = await store.inspect(path);
    return found.read_only && identityOf(found) === uuid;
  } catch (error) {
    if (error instanceof IcbdError && error.code === 'BtrfsSubvolumeNotFound') return false;
    throw error;
  }
}
