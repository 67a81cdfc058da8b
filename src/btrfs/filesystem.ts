/** What the kernel's ordinary calls tell about paths on btrfs. */
import type { Stats } from 'node:fs';
import { lstat, readdir, stat, statfs } from 'node:fs/promises';
import { IcbdError } from '../core/errors.js';
import { errnoOf, systemError } from './btrfs_errors.js';

/** `BTRFS_SUPER_MAGIC` in linux/magic.h. */
const btrfs_magic = 0x9123_683e;

/** Every subvolume's root directory has this inode number (`BTRFS_FIRST_FREE_OBJECTID` in the kernel). */
export const subvolume_inode = 256;

/** A symlink's own; undefined if there is nothing. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw systemError('look at path', path, error);
  }
}

/** @throws IcbdError `DirNotFound`, `BtrfsPathNotFound` */
export async function checkBtrfsDirectory(path: string, operation: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() !== true) {
    throw new IcbdError('DirNotFound', `there is no directory ${path}`, {
      operation,
      subject: path,
      hint: 'make it, or correct the path in the config',
    });
  }
  if (!(await isOnBtrfs(path))) {
    throw new IcbdError('BtrfsPathNotFound', `${path} does not lie on btrfs`, {
      operation,
      subject: path,
      hint: 'mount the btrfs there; "findmnt -T PATH" tells what is mounted now',
    });
  }
}

export async function isOnBtrfs(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === btrfs_magic;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw systemError('look at filesystem', path, error);
  }
}

/** Whether `path` itself is the root of a subvolume. */
export async function isSubvolumeRoot(path: string): Promise<boolean> {
  const stats = await lstatIfThere(path);
  return stats?.isDirectory() === true && stats.ino === subvolume_inode && (await isOnBtrfs(path));
}

/** Names of the directories in `path`, subvolumes among them. */
export async function directoryNames(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    throw systemError('read directory', path, error);
  }
}

export async function availableBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    throw systemError('look for free space', path, error);
  }
}
