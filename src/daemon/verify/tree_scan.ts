/** Hashes the tree of a snapshot, and then tells of any part of it. All of it blocks: it runs in a thread of its own. */
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, readSync, readlinkSync } from 'node:fs';
import { DigestTable } from './digest_table.js';
import { SnapshotTree } from './snapshot_tree.js';
import {
  type TreeEntry,
  decodeName,
  deviceNumber,
  encodeName,
  entryTypeOf,
  hashedLine,
  unreadable_digest,
} from './tree_entry.js';
import type { XattrTable } from './xattrs.js';

const mebibyte = 1024 * 1024;
/** Of a longer file, the hash up to each multiple of this is kept, so that a difference is found without a search. */
export const mark_bytes = 256 * mebibyte;
/** Most blocks that are hashed for one question. */
export const blocks_max = 256;
/** Entries of one page, and about how many characters they may make. */
const page_entries = 2_000;
const page_characters = 4 * mebibyte;
/** So many unreadable files are named. */
const unreadable_max = 100;

export interface Unreadable {
  /** Base64, from the root. */
  readonly path: string;
  readonly message: string;
}

export interface TreeSummary {
  readonly root: TreeEntry;
  readonly entries: number;
  readonly bytes: number;
  readonly unreadable: readonly Unreadable[];
  readonly unreadable_count: number;
  /** Directories that are no part of the snapshot: places of nested subvolumes, and mount points. */
  readonly foreign_count: number;
}

export interface TreePage {
  readonly entries: readonly TreeEntry[];
  readonly more: boolean;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

export class TreeScan {
  readonly #tree: SnapshotTree;
  readonly #digests = new DigestTable();
  readonly #first_links = new Map<number, Buffer>();
  readonly #marks = new Map<number, string[]>();
  readonly #unreadable: Unreadable[] = [];
  readonly #block = Buffer.allocUnsafeSlow(mebibyte);
  #xattrs: XattrTable | undefined;
  #unreadable_count = 0;
  #entries = 0;
  #bytes = 0;

  /** @param root path of the snapshot */
  constructor(root: string) {
    this.#tree = new SnapshotTree(root);
  }

  /** Entries, and bytes of content, each file once. Finds out which names are of one file. */
  count(onEntries: (entries: number) => void): { entries: number; bytes: number } {
    let entries = 1;
    let bytes = 0;
    const visit = (directory: Buffer): void => {
      for (const [path, stats] of this.#tree.children(directory)) {
        entries += 1;
        onEntries(entries);
        if (stats.isDirectory()) visit(path);
        else if (this.#isFirst(path, stats) && stats.isFile()) bytes += Number(stats.size);
      }
    };
    visit(Buffer.alloc(0));
    return { entries, bytes };
  }

  /** Reads and hashes everything; `count` comes before. @param onBytes called for each piece that was hashed */
  hash(xattrs: XattrTable, onBytes: (bytes: number, entries: number) => void): TreeSummary {
    this.#xattrs = xattrs;
    this.#tree.foreign_count = 0;
    const root_path = Buffer.alloc(0);
    const digest = this.#hashDirectory(root_path, this.#tree.stats(root_path), (bytes) => {
      this.#bytes += bytes;
      onBytes(this.#bytes, this.#entries);
    });
    return {
      root: { ...this.#entry(root_path, root_path, this.#tree.stats(root_path)), digest },
      entries: this.#entries,
      bytes: this.#bytes,
      unreadable: this.#unreadable,
      unreadable_count: this.#unreadable_count,
      foreign_count: this.#tree.foreign_count,
    };
  }

  /**
   * The entries of a directory, by name, with their digests.
   * @param after the name after which the page begins; null: the first page
   * @throws IcbdError `InvalidArgument` for what is no directory in the snapshot
   */
  list(path: string, after: string | null): TreePage {
    const directory = this.#tree.inside(decodeName(path), (stats) => stats.isDirectory());
    const names = this.#tree.namesAgain(directory);
    const last = after === null ? undefined : decodeName(after);
    const begin = last === undefined ? 0 : names.findIndex((name) => Buffer.compare(name, last) > 0);
    if (begin === -1) return { entries: [], more: false };
    const entries: TreeEntry[] = [];
    let characters = 0;
    for (const [child, stats, name] of this.#tree.children(directory, names.slice(begin))) {
      if (entries.length >= page_entries || characters >= page_characters) return { entries, more: true };
      const entry = this.#entry(child, name, stats);
      characters += hashedLine(entry).length;
      entries.push(entry);
    }
    return { entries, more: false };
  }

  /** SHA-256 of a file up to each multiple of `mark_bytes`. @throws IcbdError `InvalidArgument` */
  marks(path: string): string[] {
    const file = this.#tree.inside(decodeName(path), (stats) => stats.isFile());
    return this.#marks.get(Number(this.#tree.stats(file).ino)) ?? [];
  }

  /**
   * SHA-256 of each block of a file from an offset; fewer than asked for if the file ends. What cannot be read is
   * `unreadable`, and ends the list.
   * @param block_bytes at most 1 MiB
   * @throws IcbdError `InvalidArgument`
   */
  blocks(path: string, offset_bytes: number, block_bytes: number, count: number): string[] {
    const file = this.#tree.inside(decodeName(path), (stats) => stats.isFile());
    const block = this.#block.subarray(0, block_bytes);
    const digests: string[] = [];
    const descriptor = this.#tree.open(file);
    try {
      for (let index = 0; index < Math.min(count, blocks_max); index += 1) {
        const bytes = readSync(descriptor, block, 0, block_bytes, offset_bytes + index * block_bytes);
        if (bytes === 0) break;
        digests.push(createHash('sha256').update(block.subarray(0, bytes)).digest('hex'));
      }
    } catch (error) {
      if (codeOf(error) === 'ENOENT') throw error;
      digests.push(unreadable_digest);
    } finally {
      closeSync(descriptor);
    }
    return digests;
  }

  #isFirst(path: Buffer, stats: BigIntStats): boolean {
    if (stats.nlink <= 1n) return true;
    const first = this.#first_links.get(Number(stats.ino));
    if (first === undefined) this.#first_links.set(Number(stats.ino), path);
    return first === undefined;
  }

  #entry(path: Buffer, name: Buffer, stats: BigIntStats): TreeEntry {
    const type = entryTypeOf(stats);
    const inode = Number(stats.ino);
    const is_linked = type !== 'directory' && stats.nlink > 1n;
    const has_digest = type === 'file' || type === 'directory';
    return {
      name: encodeName(name),
      type,
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtime_ns: String(stats.mtimeNs),
      size_bytes: type === 'file' ? Number(stats.size) : 0,
      target:
        type === 'symlink' ? encodeName(readlinkSync(this.#tree.absolute(path), { encoding: 'buffer' })) : '',
      device: type.endsWith(' device') ? deviceNumber(stats.rdev) : '',
      links: is_linked ? Number(stats.nlink) : 1,
      first_link: is_linked ? encodeName(this.#first_links.get(inode) ?? path) : '',
      xattrs: [...(this.#xattrs?.get(inode) ?? [])],
      digest: has_digest ? (this.#digests.get(inode) ?? unreadable_digest) : '',
    };
  }

  #hashDirectory(directory: Buffer, stats: BigIntStats, onBytes: (bytes: number) => void): string {
    this.#entries += 1;
    const hash = createHash('sha256');
    try {
      for (const [path, child_stats, name] of this.#tree.children(directory)) {
        if (child_stats.isDirectory()) {
          this.#hashDirectory(path, child_stats, onBytes);
        } else {
          this.#entries += 1;
          if (child_stats.isFile()) this.#hashFile(path, child_stats, onBytes);
          onBytes(0);
        }
        hash.update(hashedLine(this.#entry(path, name, child_stats)));
      }
    } catch (error) {
      this.#noteUnreadable(directory, error);
      return unreadable_digest;
    }
    const digest = hash.digest();
    this.#digests.set(Number(stats.ino), digest);
    return digest.toString('hex');
  }

  #hashFile(path: Buffer, stats: BigIntStats, onBytes: (bytes: number) => void): void {
    const inode = Number(stats.ino);
    if (stats.nlink > 1n && this.#digests.get(inode) !== undefined) return;
    const hash = createHash('sha256');
    const marks: string[] = [];
    let descriptor: number | undefined;
    try {
      descriptor = this.#tree.open(path);
      for (let offset = 0; ; ) {
        const bytes = readSync(descriptor, this.#block, 0, this.#block.length, offset);
        if (bytes === 0) break;
        hash.update(this.#block.subarray(0, bytes));
        offset += bytes;
        if (offset % mark_bytes === 0) marks.push(hash.copy().digest('hex'));
        onBytes(bytes);
      }
    } catch (error) {
      this.#noteUnreadable(path, error);
      return;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
    this.#digests.set(inode, hash.digest());
    if (marks.length > 0) this.#marks.set(inode, marks);
  }

  /** A damaged file is a result; a snapshot that is deleted meanwhile is not. */
  #noteUnreadable(path: Buffer, error: unknown): void {
    const code = codeOf(error);
    if (code === '' || code === 'ENOENT' || code === 'EMFILE' || code === 'ENOMEM') throw error;
    this.#unreadable_count += 1;
    if (this.#unreadable.length >= unreadable_max) return;
    this.#unreadable.push({ path: encodeName(path), message: (error as Error).message });
  }
}
