/** All snapshots of an image with a fixed number of processes. */
import { constants } from 'node:fs';
import { access, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { IcbdError } from '../core/errors.js';
import { compareSnapshots, type SnapshotInfo } from '../core/lineage.js';
import { checkSnapshotNumber } from '../core/names.js';
import { btrfsError } from './btrfs_errors.js';
import { directoryNames, lstatIfThere, subvolume_inode } from './filesystem.js';
import type { RunProgram } from './run_program.js';
import type { SnapshotStore } from './snapshot_store.js';
import { parseSubvolumeList, type SubvolumeRow } from './subvolume_output.js';

const list_columns = ['-c', '-u', '-q', '-R'];

function isSnapshotNumber(name: string): boolean {
  try {
    checkSnapshotNumber(name);
    return true;
  } catch {
    return false;
  }
}

async function output(
  run: RunProgram,
  operation: string,
  args: readonly string[],
  path: string,
): Promise<string> {
  const result = await run('btrfs', [...args, path], {});
  if (result.exit_code !== 0) throw btrfsError(operation, path, result);
  return result.stdout;
}

/**
 * Path of a directory from the top of its filesystem, whatever of it is mounted where: the path of the subvolume it
 * lies in, and its own inside that.
 */
async function pathFromTop(run: RunProgram, directory: string): Promise<string> {
  const root_id = (
    await output(run, 'btrfs inspect-internal', ['inspect-internal', 'rootid'], directory)
  ).trim();
  const resolve_args = ['inspect-internal', 'subvolid-resolve', root_id];
  const parts = [(await output(run, 'btrfs inspect-internal', resolve_args, directory)).replace(/\n$/, '')];
  const { ino } = await lstat(directory);
  if (ino !== subvolume_inode) {
    const inode_args = ['inspect-internal', 'inode-resolve', String(ino)];
    // It prints the path that it was given, and then what we ask for.
    const printed = await output(run, 'btrfs inspect-internal', inode_args, directory);
    parts.push(printed.replace(/\n$/, '').slice(directory.length + 1));
  }
  return parts.filter((part) => part !== '').join('/');
}

/** The rows of what lies directly in `directory`, by name; a name with more than one row is left out. */
function rowsInside(directory_from_top: string, rows: readonly SubvolumeRow[]): Map<string, SubvolumeRow> {
  const prefix = directory_from_top === '' ? '' : `${directory_from_top}/`;
  const by_name = new Map<string, SubvolumeRow>();
  const doubtful = new Set<string>();
  for (const row of rows) {
    const name = row.path.slice(prefix.length);
    if (!row.path.startsWith(prefix) || name.includes('/')) continue;
    if (by_name.has(name)) doubtful.add(name);
    by_name.set(name, row);
  }
  for (const name of doubtful) by_name.delete(name);
  return by_name;
}

/**
 * `SnapshotStore.listSnapshots` for a directory that is on btrfs.
 *
 * One list gives all read-only subvolumes of the containing subvolume, a second one the creation time of those that
 * are snapshots; others were made empty, so the creation time of their root directory is theirs. A directory that is
 * a subvolume and has no row although it is read-only (it came in between, or its line could not be read) is asked
 * for by itself: the lists make it fast, they do not decide what is there.
 *
 * @param directory absolute and without a trailing slash
 */
export async function listSnapshotsOf(
  run: RunProgram,
  directory: string,
  inspect: SnapshotStore['inspect'],
): Promise<SnapshotInfo[]> {
  const operation = 'btrfs subvolume list';
  const list = async (...filter: string[]): Promise<SubvolumeRow[]> =>
    parseSubvolumeList(
      await output(run, operation, ['subvolume', 'list', ...filter, ...list_columns], directory),
    );
  const from_top = await pathFromTop(run, directory);
  const [rows, rows_with_time] = [await list('-o', '-r'), await list('-o', '-r', '-s')];
  const by_name = rowsInside(from_top, rows);
  const times = new Map(rows_with_time.map((row) => [row.uuid, row.created_at_ms]));

  const snapshots: SnapshotInfo[] = [];
  for (const number of (await directoryNames(directory)).filter(isSnapshotNumber)) {
    const row = by_name.get(number);
    const path = join(directory, number);
    const created_at_ms = row === undefined ? undefined : (times.get(row.uuid) ?? (await birthTime(path)));
    if (row === undefined || created_at_ms === undefined) {
      const found = await inspectIfComplete(path, inspect);
      if (found !== undefined) snapshots.push(found);
      continue;
    }
    const { uuid, received_uuid, parent_uuid, created_generation } = row;
    snapshots.push({ number, uuid, received_uuid, parent_uuid, created_generation, created_at_ms });
  }
  return snapshots.toSorted(compareSnapshots);
}

/** In ms, whole seconds as btrfs prints them; undefined if the kernel does not tell. */
async function birthTime(path: string): Promise<number | undefined> {
  const stats = await lstatIfThere(path);
  if (stats === undefined || stats.ino !== subvolume_inode || !(stats.birthtimeMs > 0)) return undefined;
  return Math.floor(stats.birthtimeMs / 1000) * 1000;
}

async function inspectIfComplete(
  path: string,
  inspect: SnapshotStore['inspect'],
): Promise<SnapshotInfo | undefined> {
  const stats = await lstatIfThere(path);
  if (stats?.ino !== subvolume_inode || (await isWritable(path))) return undefined;
  try {
    const { read_only, subvolume_id: _, ...snapshot } = await inspect(path);
    return read_only ? snapshot : undefined;
  } catch (error) {
    // Deleted since the directory was read.
    if (error instanceof IcbdError && error.code === 'BtrfsSubvolumeNotFound') return undefined;
    throw error;
  }
}

/** Saves a process for each subvolume that is no snapshot; for a read-only one, root too gets EROFS. */
async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}
