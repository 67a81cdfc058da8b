/** What two nodes tell each other of a snapshot's tree, entry by entry, and how it is hashed. */
import type { BigIntStats } from 'node:fs';
import { z } from 'zod';

const entry_types = [
  'file',
  'directory',
  'symlink',
  'fifo',
  'socket',
  'character device',
  'block device',
  'unknown',
] as const;
export type EntryType = (typeof entry_types)[number];

/** Stands for the digest of what could not be read. */
export const unreadable_digest = 'unreadable';

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);
const digest = z.string().regex(/^([0-9a-f]{64}|unreadable)?$/);

/**
 * One entry of a directory: all that `btrfs send` carries and a program can see. Not in it are times of access and
 * change, which no stream brings, and the sizes of directories. Names are bytes: all of them are base64 here.
 */
export const tree_entry = z.strictObject({
  /** Empty for the root. */
  name: base64,
  type: z.enum(entry_types),
  /** The permission bits, with setuid, setgid and sticky. */
  mode: z.int().min(0).max(0o7777),
  uid: z.int().min(0),
  gid: z.int().min(0),
  mtime_ns: z.string().regex(/^-?\d{1,20}$/),
  /** Of a file; 0 for all else. */
  size_bytes: z.int().min(0),
  /** Where a symlink points; empty for all else. */
  target: base64,
  /** `major:minor` of a device; empty for all else. */
  device: z.string().regex(/^(\d+:\d+)?$/),
  /** Names that it has; 1 for directories. */
  links: z.int().min(1),
  /** Path of the first of its names, if it has more than one. */
  first_link: base64,
  /** Name, and the value: `0x` and hex if it is short, else its hash. By name. */
  xattrs: z.array(z.tuple([base64, z.string().max(80)])),
  /** SHA-256 of a file's content, or over a directory's entries; empty for all else. */
  digest,
});
export type TreeEntry = z.infer<typeof tree_entry>;

/** What a directory's digest is taken over, for each of its entries in the order of their names' bytes. */
export function hashedLine(entry: TreeEntry): string {
  const { name, type, mode, uid, gid, mtime_ns, size_bytes, target, device, links, first_link } = entry;
  const facts = [name, type, mode, uid, gid, mtime_ns, size_bytes, target, device, links, first_link];
  return `${JSON.stringify([...facts, entry.xattrs, entry.digest])}\n`;
}

export function entryTypeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'character device';
  return stats.isBlockDevice() ? 'block device' : 'unknown';
}

/** As `gnu_dev_major` and `gnu_dev_minor` of glibc's sys/sysmacros.h take it apart. */
export function deviceNumber(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

export const encodeName = (name: Buffer): string => name.toString('base64');
export const decodeName = (name: string): Buffer => Buffer.from(name, 'base64');
