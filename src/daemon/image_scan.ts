/** What a scan of an image's directory comes to. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ScanResult } from '../actors/image.js';
import { subvolume_inode } from '../btrfs/filesystem.js';
import { type SnapshotInfo, lastSnapshot } from '../core/lineage.js';

/** What the image's actor keeps of its snapshots, which come in their order. */
export function scanResult(snapshots: readonly SnapshotInfo[]): ScanResult {
  const identities = snapshots.map(({ number, uuid, received_uuid }) => [number, uuid, received_uuid]);
  return {
    snapshot_count: snapshots.length,
    newest: lastSnapshot(snapshots)?.number ?? '',
    fingerprint: createHash('sha256').update(JSON.stringify(identities)).digest('hex').slice(0, 16),
  };
}

async function glanceAt(subvolume: string): Promise<string> {
  const stats = await lstat(subvolume).catch(() => undefined);
  if (stats === undefined || stats.ino !== subvolume_inode) return '';
  // Root too gets EROFS for one that is read-only.
  return access(subvolume, constants.W_OK).then(
    () => 'writable',
    () => 'read-only',
  );
}

/**
 * A cheap look at what is in an image's directory: as long as the answer is the same, so are its snapshots, and no
 * program has to be started. Numbers of inodes and devices do not tell one subvolume from the next that takes its name,
 * but then the directory was written to.
 */
export async function glance(directory: string): Promise<string> {
  const own = await lstat(directory, { bigint: true }).catch(() => undefined);
  if (own?.isDirectory() !== true) return 'no directory';
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const parts = [`${own.dev} ${own.ino} ${own.mtimeNs}`];
  for (const name of names.map((entry) => entry.name).toSorted()) {
    parts.push(`${name}/${await glanceAt(path.join(directory, name))}`);
  }
  return parts.join('\n');
}
