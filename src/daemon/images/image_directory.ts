/** The directory of an image, as adding it finds or makes it. */
import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';

/** Name of the writable subvolume in an image's directory that snapshots are taken of by default. */
const default_source = 'live';

/** @throws IcbdError `BtrfsSubvolumeNotFound` unless `source` is the absolute path of a subvolume */
export async function checkSource(store: SnapshotStore, source: string): Promise<void> {
  if (path.isAbsolute(source) && (await store.isSubvolume(source))) return;
  throw new IcbdError('BtrfsSubvolumeNotFound', `${source} is not a subvolume`, {
    operation: 'add image',
    subject: source,
    hint: `an absolute path to a writable subvolume: btrfs subvolume create ${source}`,
  });
}

/**
 * @param makes.directory whether a missing one is made
 * @param makes.source whether one that is made gets an empty subvolume to take snapshots of
 * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`
 */
export async function checkDirectory(
  store: SnapshotStore,
  directory: string,
  makes: { readonly directory: boolean; readonly source: boolean },
): Promise<void> {
  const stats = await lstat(directory).catch(() => undefined);
  if (stats === undefined && makes.directory) {
    await mkdir(directory);
    if (makes.source) await store.createSubvolume(path.join(directory, default_source));
    // The database says that the image is there: so must the disk, after a power cut too.
    await store.checkMountpoint(directory);
    await store.sync(directory);
  } else if (!stats?.isDirectory()) {
    throw new IcbdError('DirNotFound', `there is no directory ${directory}`, {
      operation: 'add image',
      subject: directory,
      hint: 'make it, or use --create',
    });
  }
  await store.checkMountpoint(directory);
}

/** Path of the image's subvolume `live`; empty if it has none. */
export async function defaultSource(store: SnapshotStore, directory: string): Promise<string> {
  const source = path.join(directory, default_source);
  return (await store.isSubvolume(source)) ? source : '';
}
