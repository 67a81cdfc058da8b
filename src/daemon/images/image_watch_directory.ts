/** One directory under the kernel's watch. */
import { type WatchListener, watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { errnoOf } from '../../btrfs/btrfs_errors.js';

/** What there is of `fs.watch` to be closed and to fail. */
export interface Watching {
  close(): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** As `fs.watch`. @throws if the directory is not there, or the kernel takes no more watches */
export type StartWatching = (directory: string, listener: WatchListener<string>) => Watching;

export const watchWithKernel: StartWatching = (directory, listener) =>
  // What goes on elsewhere keeps the daemon alive.
  watch(directory, { persistent: false }, listener);

export interface DirectoryWatchOptions {
  readonly directory: string;
  readonly start: StartWatching;
  /** An entry came, went, or was renamed; undefined: the kernel does not say which. */
  readonly onChange: (name: string | undefined) => void;
  /** The kernel does not watch it any more, or never did, for another reason than that it is not there. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Watches a path: a kernel's watch follows the directory wherever it is moved, so it is begun anew when another one
 * stands there.
 */
export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  #watching: Watching | undefined;
  /** Device and inode of what is watched. */
  #watched = '';
  #is_closed = false;

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
  }

  /** Begins to watch what stands at the path now, if it is not watched already. */
  async refresh(): Promise<void> {
    const { directory } = this.#options;
    const stats = await lstat(directory).catch(() => undefined);
    const standing = stats?.isDirectory() === true ? `${stats.dev} ${stats.ino}` : '';
    if (this.#is_closed) return;
    if (this.#watching !== undefined && standing === this.#watched) return;
    this.#stop();
    if (standing === '') return;
    try {
      this.#begin(standing);
    } catch (error) {
      const is_gone = errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
      if (!is_gone) this.#options.onFailure(error as Error);
    }
  }

  close(): void {
    this.#is_closed = true;
    this.#stop();
  }

  #begin(standing: string): void {
    const { directory, start, onChange, onFailure } = this.#options;
    // `change` is told of writes to plain files too, and never of what makes a snapshot.
    const watching = start(directory, (event, name) => {
      if (event === 'rename') onChange(name ?? undefined);
    });
    this.#watching = watching;
    this.#watched = standing;
    watching.on('error', (error) => {
      if (this.#watching !== watching) return;
      this.#stop();
      onFailure(error);
    });
  }

  #stop(): void {
    this.#watching?.close();
    this.#watching = undefined;
    this.#watched = '';
  }
}
