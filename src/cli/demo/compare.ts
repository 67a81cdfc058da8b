import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a directory tree holds. */
export interface TreeDigest {
  /** SHA-256 over every path with its metadata and content, hex. */
  readonly digest: string;
  /** One line for each path: type and mode, owner, size, time, link target, SHA-256 of the content. */
  readonly lines: ReadonlyMap<string, string>;
  /** Bytes of content that were read. */
  readonly content_bytes: number;
}

async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}

/** Reads a whole tree: every byte of every file, and the metadata that a copy must keep. */
export async function digestTree(root: string, signal: AbortSignal): Promise<TreeDigest> {
  const lines = new Map<string, string>();
  let content_bytes = 0;
  const visit = async (relative: string): Promise<void> => {
    const path = join(root, relative);
    const stat = await lstat(path, { bigint: true });
    const parts = [
      `mode ${stat.mode.toString(8)}`,
      `owner ${stat.uid}:${stat.gid}`,
      `modified ${stat.mtimeNs}`,
      `links ${stat.isDirectory() ? '-' : stat.nlink}`,
    ];
    if (stat.isSymbolicLink()) parts.push(`target ${await readlink(path)}`);
    if (stat.isFile()) {
      parts.push(`size ${stat.size}`, `sha256 ${await hashFile(path, signal)}`);
      content_bytes += Number(stat.size);
    }
    lines.set(relative, parts.join(', '));
    if (!stat.isDirectory()) return;
    for (const name of (await readdir(path)).toSorted()) await visit(join(relative, name));
  };
  await visit('.');
  const hash = createHash('sha256');
  for (const [path, line] of lines) hash.update(`${path}\0${line}\n`);
  return { digest: hash.digest('hex'), lines, content_bytes };
}

/** Where two trees differ, one line for each path; none if they are equal. */
export function differencesOf(a: TreeDigest, b: TreeDigest): string[] {
  const paths = new Set([...a.lines.keys(), ...b.lines.keys()]);
  return [...paths]
    .filter((path) => a.lines.get(path) !== b.lines.get(path))
    .map(
      (path) => `${path}: ${a.lines.get(path) ?? 'is not there'} | ${b.lines.get(path) ?? 'is not there'}`,
    );
}
