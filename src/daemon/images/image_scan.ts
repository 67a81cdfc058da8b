/** What a scan of an image's directory comes to. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ScanResult } from '../../actors/image.js';
import { type SnapshotInfo, lastSnapshot } from '../../core/lineage.js';

/** Directories that are looked at side by side; Node has four threads for that. */
const looks_at_once = 64;

/** What the image's actor keeps of its snapshots, which come in their order. */
export function scanResult(snapshots: readonly SnapshotInfo[]): ScanResult {
  const identities = snapshots.map(({ number, uuid, received_uuid }) => [number, uuid, received_uuid]);
  return {
    snapshot_count: snapshots.length,
    newest: lastSnapshot(snapshots)?.number ?? '',
    fingerprint: createHash('sha256').update(JSON.stringify(identities)).digest('hex').slice(0, 16),
  };
}

/** Whether root too gets EROFS: so it is a subvolume that is read-only. */
async function glanceAt(directory: string): Promise<string> {
  return access(directory, constants.W_OK).then(
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
  for (let index = 0; index < names.length; index += looks_at_once) {
    const some = names.slice(index, index + looks_at_once);
    const found = await Promise.all(some.map(async ({ name }) => glanceAt(path.join(directory, name))));
    parts.push(...some.map(({ name }, position) => `${name}/${found[position]}`));
  }
  return parts.join('\n');
}
