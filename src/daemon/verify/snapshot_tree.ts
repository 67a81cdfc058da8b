/** The files of a snapshot by their paths as bytes: nothing outside of it is ever looked at. All of it blocks. */
import { type BigIntStats, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { IcbdError } from '../../core/errors.js';

const slash = Buffer.from('/');

function join(directory: Buffer, name: Buffer): Buffer {
  return directory.length === 0 ? name : Buffer.concat([directory, slash, name]);
}

function refuse(path: Buffer, why: string): IcbdError {
  return new IcbdError('InvalidArgument', `the path ${why}`, {
    operation: 'verify snapshot',
    subject: path.toString('latin1'),
  });
}

export class SnapshotTree {
  /** Met so far: directories that are no part of the snapshot, being places of nested subvolumes, or mount points. */
  foreign_count = 0;
  readonly #root: Buffer;
  readonly #device: bigint;
  #listed: { readonly directory: Buffer; readonly names: readonly Buffer[] } | undefined;

  /** @param root path of the snapshot */
  constructor(root: string) {
    this.#root = Buffer.from(root);
    this.#device = lstatSync(root, { bigint: true }).dev;
  }

  /** @param path from the snapshot's root, which is empty; the same everywhere here */
  absolute(path: Buffer): Buffer {
    return path.length === 0 ? this.#root : join(this.#root, path);
  }

  stats(path: Buffer): BigIntStats {
    return lstatSync(this.absolute(path), { bigint: true });
  }

  /** Symlinks are never followed, whatever stands at the path. */
  open(path: Buffer): number {
    return openSync(this.absolute(path), constants.O_RDONLY | constants.O_NOFOLLOW);
  }

  /** The names in a directory, sorted by their bytes. */
  names(directory: Buffer): readonly Buffer[] {
    const names = readdirSync(this.absolute(directory), { encoding: 'buffer' });
    return names.toSorted((a, b) => Buffer.compare(a, b));
  }

  /** The same for pages: those of the directory that was asked for last are at hand. */
  namesAgain(directory: Buffer): readonly Buffer[] {
    if (this.#listed === undefined || !this.#listed.directory.equals(directory)) {
      this.#listed = { directory, names: this.names(directory) };
    }
    return this.#listed.names;
  }

  /** What is in a directory and belongs to the snapshot; what does not is counted. */
  *children(
    directory: Buffer,
    names = this.names(directory),
  ): Generator<[path: Buffer, stats: BigIntStats, name: Buffer]> {
    for (const name of names) {
      const path = join(directory, name);
      const stats = this.stats(path);
      if (stats.dev === this.#device) yield [path, stats, name];
      else this.foreign_count += 1;
    }
  }

  /**
   * Checks that a path that a peer gave leads, without a symlink, to something in the snapshot.
   * @throws IcbdError `InvalidArgument`
   */
  inside(path: Buffer, isRight: (stats: BigIntStats) => boolean): Buffer {
    let at: Buffer = Buffer.alloc(0);
    let stats = this.stats(at);
    for (const part of path.length === 0 ? [] : path.toString('latin1').split('/')) {
      if (part === '' || part === '.' || part === '..' || part.includes('\0'))
        throw refuse(path, 'is no path');
      if (!stats.isDirectory()) throw refuse(path, 'leads through what is no directory');
      at = join(at, Buffer.from(part, 'latin1'));
      stats = this.stats(at);
      if (stats.dev !== this.#device) throw refuse(path, 'leads out of the snapshot');
    }
    if (!isRight(stats)) throw refuse(path, 'leads to something else');
    return at;
  }
}
