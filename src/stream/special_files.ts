/** The symlinks and special files that a stream has made, by their paths; directories may be renamed. */

/** What must not be opened by its name: a symlink leads elsewhere, a device is not in the filesystem at all. */
export type SpecialKind = 'symlink' | 'device' | 'fifo' | 'socket';

interface Entry {
  kind: SpecialKind | undefined;
  /** By name, in latin1: one character for each byte. */
  children: Map<string, Entry> | undefined;
}

const newEntry = (): Entry => ({ kind: undefined, children: undefined });

/**
 * A tree of only those directories that hold something special. To rename a directory moves its part of the tree, so
 * that no operation takes longer than the path is deep, however many files there are.
 */
export class SpecialFiles {
  readonly #root = newEntry();
  readonly #entries_max: number;
  #entries = 0;

  /** @param entries_max most special files and directories that hold some */
  constructor(entries_max: number) {
    this.#entries_max = entries_max;
  }

  /** The first of the path's directories that is special, with how many components lead to it. */
  findAbove(path: readonly string[]): { readonly kind: SpecialKind; readonly depth: number } | undefined {
    let entry: Entry | undefined = this.#root;
    for (let depth = 1; depth < path.length; depth += 1) {
      entry = entry.children?.get(path[depth - 1] ?? '');
      if (entry === undefined) return undefined;
      if (entry.kind !== undefined) return { kind: entry.kind, depth };
    }
    return undefined;
  }

  /** What the path itself is, as far as this stream has made it special. */
  kindOf(path: readonly string[]): SpecialKind | undefined {
    return this.#find(path)?.kind;
  }

  /** @returns false if that would be more than may be remembered */
  add(path: readonly string[], kind: SpecialKind): boolean {
    const entry = this.#make(path);
    if (entry !== undefined) entry.kind = kind;
    return entry !== undefined;
  }

  remove(path: readonly string[]): void {
    const removed = this.#detach(path);
    if (removed !== undefined) this.#entries -= countEntries(removed);
  }

  /**
   * What stood at `from`, with all in it, stands at `to` now.
   * @returns false if that would be more than may be remembered
   */
  move(from: readonly string[], to: readonly string[]): boolean {
    const moved = this.#detach(from);
    if (moved === undefined) return true;
    const place = this.#make(to);
    if (place === undefined) return false;
    place.kind = moved.kind;
    place.children = moved.children;
    // The entry itself is counted once more, at its new place.
    this.#entries -= 1;
    return true;
  }

  #find(path: readonly string[]): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of path) entry = entry?.children?.get(name);
    return entry;
  }

  #make(path: readonly string[]): Entry | undefined {
    let entry = this.#root;
    for (const name of path) {
      let child = entry.children?.get(name);
      if (child === undefined) {
        if (this.#entries >= this.#entries_max) return undefined;
        this.#entries += 1;
        child = newEntry();
        entry.children ??= new Map();
        entry.children.set(name, child);
      }
      entry = child;
    }
    return entry;
  }

  /** Takes an entry out of the tree, and the directories above it that hold nothing special any more. */
  #detach(path: readonly string[]): Entry | undefined {
    const way: Entry[] = [this.#root];
    for (const name of path) {
      const child = way.at(-1)?.children?.get(name);
      if (child === undefined) return undefined;
      way.push(child);
    }
    const detached = way.at(-1);
    for (let depth = path.length; depth > 0; depth -= 1) {
      const parent = way[depth - 1];
      parent?.children?.delete(path[depth - 1] ?? '');
      if (depth < path.length) this.#entries -= 1;
      if (parent === undefined || parent.kind !== undefined || (parent.children?.size ?? 0) > 0) break;
    }
    return detached;
  }
}

/** Not by recursion: renamed into each other, directories can be deeper than the stack. */
function countEntries(top: Entry): number {
  const waiting = [top];
  let count = 0;
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    count += 1;
    for (const child of entry.children?.values() ?? []) waiting.push(child);
  }
  return count;
}
