import { IcbdError } from '../../core/errors.js';
import type { TreeDifference } from '../../core/verify_report.js';
import { compareFacts, differenceAt, joinPath } from './differences.js';
import type { ScanSide } from './scan_side.js';
import { type TreeEntry, decodeName, unreadable_digest } from './tree_entry.js';
import { type TreeSummary, blocks_max, mark_bytes } from './tree_scan.js';

/** Differences that are told; there may be more. */
export const differences_max = 100;

const block_bytes = 1024 * 1024;
/** A differing block is narrowed down to pieces of this size. */
const piece_bytes = 4 * 1024;

export interface Comparison {
  readonly differences: readonly TreeDifference[];
  /** There are more. */
  readonly more: boolean;
}

/** Ends a comparison that has found enough. */
class Enough extends Error {}

function differingIndex(a: readonly string[], b: readonly string[]): number {
  const length = Math.max(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    if (a[index] !== b[index]) return index;
  }
  return -1;
}

async function* entriesOf(side: ScanSide, path: string): AsyncGenerator<TreeEntry, undefined> {
  let after: string | null = null;
  for (;;) {
    const page = await side.list(path, after);
    for (const entry of page.entries) {
      if (after !== null && Buffer.compare(decodeName(entry.name), decodeName(after)) <= 0) {
        throw new IcbdError('InvalidMessage', 'names do not come in their order', {
          operation: 'verify snapshot',
        });
      }
      after = entry.name;
      yield entry;
    }
    if (!page.more || page.entries.length === 0) return undefined;
  }
}

class Search {
  readonly differences: TreeDifference[] = [];
  readonly #master: ScanSide;
  readonly #copy: ScanSide;
  readonly #signal: AbortSignal;

  constructor(master: ScanSide, copy: ScanSide, signal: AbortSignal) {
    this.#master = master;
    this.#copy = copy;
    this.#signal = signal;
  }

  add(path: string, finding: Parameters<typeof differenceAt>[1]): void {
    if (this.differences.length >= differences_max) throw new Enough();
    this.differences.push(differenceAt(path, finding));
  }

  /** Two entries of the same path, and all below. */
  async compare(path: string, master: TreeEntry, copy: TreeEntry): Promise<void> {
    this.#signal.throwIfAborted();
    for (const finding of compareFacts(master, copy)) this.add(path, finding);
    if (master.type !== copy.type || master.digest === copy.digest) return;
    // What cannot be read was told already.
    if (master.digest === unreadable_digest || copy.digest === unreadable_digest) return;
    if (master.type === 'directory') await this.#compareDirectories(path);
    if (master.type === 'file') await this.#compareContent(path, master, copy);
  }

  async #compareDirectories(path: string): Promise<void> {
    const master = entriesOf(this.#master, path);
    const copy = entriesOf(this.#copy, path);
    let [here, there] = [(await master.next()).value, (await copy.next()).value];
    while (here !== undefined || there !== undefined) {
      const order = orderOf(here, there);
      if (here !== undefined && order < 0) {
        this.add(joinPath(path, here.name), { what: 'missing', master: here.type, copy: 'none' });
      } else if (there !== undefined && order > 0) {
        this.add(joinPath(path, there.name), { what: 'extra', master: 'none', copy: there.type });
      } else if (here !== undefined && there !== undefined) {
        await this.compare(joinPath(path, here.name), here, there);
      }
      if (order <= 0) here = (await master.next()).value;
      if (order >= 0) there = (await copy.next()).value;
    }
  }

  async #compareContent(path: string, master: TreeEntry, copy: TreeEntry): Promise<void> {
    const offset_bytes = await this.#firstDifference(path);
    this.add(path, {
      what: 'content',
      ...(offset_bytes === undefined ? {} : { offset_bytes }),
      master: `sha256 ${master.digest}`,
      copy: `sha256 ${copy.digest}`,
    });
  }

  /** Reads at most 256 MiB and one block more of each side, however long the file is. */
  async #firstDifference(path: string): Promise<number | undefined> {
    const marks = await Promise.all([this.#master.marks(path), this.#copy.marks(path)]);
    const mark = differingIndex(...marks);
    const start_bytes = (mark === -1 ? marks[0].length : mark) * mark_bytes;
    const block = await this.#differingBlock(path, start_bytes, block_bytes, blocks_max);
    if (block === undefined) return undefined;
    const pieces = block_bytes / piece_bytes;
    return (await this.#differingBlock(path, block, piece_bytes, pieces)) ?? block;
  }

  async #differingBlock(
    path: string,
    start_bytes: number,
    size_bytes: number,
    count: number,
  ): Promise<number | undefined> {
    this.#signal.throwIfAborted();
    const [here, there] = await Promise.all([
      this.#master.blocks(path, start_bytes, size_bytes, count),
      this.#copy.blocks(path, start_bytes, size_bytes, count),
    ]);
    const index = differingIndex(here, there);
    return index === -1 ? undefined : start_bytes + index * size_bytes;
  }
}

function orderOf(here: TreeEntry | undefined, there: TreeEntry | undefined): number {
  if (there === undefined) return -1;
  if (here === undefined) return 1;
  return Buffer.compare(decodeName(here.name), decodeName(there.name));
}

/**
 * Compares two scans that are done: the digests of the trees, then of the directories that differ, then the files.
 * @throws IcbdError: what the sides throw; the signal's reason
 */
export async function compareTrees(
  master: { readonly side: ScanSide; readonly summary: TreeSummary },
  copy: { readonly side: ScanSide; readonly summary: TreeSummary },
  signal: AbortSignal,
): Promise<Comparison> {
  const search = new Search(master.side, copy.side, signal);
  try {
    if (master.side.identity !== copy.side.identity) {
      search.add('', { what: 'identity', master: master.side.identity, copy: copy.side.identity });
    }
    for (const { path, message } of master.summary.unreadable) {
      search.add(path, { what: 'unreadable', master: message, copy: '' });
    }
    for (const { path, message } of copy.summary.unreadable) {
      search.add(path, { what: 'unreadable', master: '', copy: message });
    }
    await search.compare('', master.summary.root, copy.summary.root);
  } catch (error) {
    if (error instanceof Enough) return { differences: search.differences, more: true };
    throw error;
  }
  return { differences: search.differences, more: false };
}
