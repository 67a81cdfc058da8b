/**
 * Notices when somebody changes the snapshots on disk behind the daemon, and lets the image's actor look again.
 *
 * The kernel tells of what comes, goes or is renamed. It does not tell of a snapshot that is made writable, and it may
 * refuse to watch at all: so every image is looked at from time to time as well. An actor hears of it only if its
 * snapshots are others than those of its last scan.
 */
import type { ImageContext } from '../../actors/image.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ActorAddress, ActorRecord } from '../../core/records.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Storage } from '../../storage/storage.js';
import { basename, join } from 'node:path';
import { glance, scanResult } from './image_scan.js';
import { DirectoryWatch, type StartWatching, watchWithKernel } from './image_watch_directory.js';

/** Several changes at once are one look. */
const settle_ms = 300;
/** An image is not looked at more often. */
const interval_ms = 1_000;
const slow_look_ms = 60_000;

export interface ImageWatchOptions {
  readonly runtime: Pick<Runtime, 'deliver' | 'subscribe'>;
  readonly storage: Pick<Storage, 'actors'>;
  readonly store: Pick<SnapshotStore, 'listSnapshots'>;
  readonly mountpoint: string;
  readonly clock: Clock;
  /** Told once, when the kernel does not watch or a look failed; all goes on by slow looks. */
  readonly onFailure: (error: IcbdError) => void;
  /** Time between two looks that nothing asked for, ms. */
  readonly slow_look_ms?: number;
  readonly start?: StartWatching;
}

interface Watched {
  readonly watch: DirectoryWatch;
  /** What the last look saw while nothing changed; empty before. */
  seen: string;
  looked_at_ms: number;
  cancelLook: (() => void) | undefined;
}

const address = (image: string): ActorAddress => ({ kind: 'image', id: image });

/** Watches the images of a node from now on until it is closed. The runtime must have been started. */
export class ImageWatch {
  readonly #options: ImageWatchOptions;
  readonly #images = new Map<string, Watched>();
  readonly #mountpoint_watch: DirectoryWatch;
  readonly #unsubscribe: () => void;
  #cancelSlowLook: () => void;
  /** One look after the other: a node with many images does not start as many programs at once. */
  #looking: Promise<void> = Promise.resolve();
  #has_failed = false;
  #is_closed = false;

  constructor(options: ImageWatchOptions) {
    this.#options = options;
    this.#mountpoint_watch = this.#watchOf(options.mountpoint, (name) => this.#entryChanged(name));
    this.#unsubscribe = options.runtime.subscribe(({ events }) => {
      for (const { kind, id, state } of events) if (kind === 'image') this.#follow(id, state === 'removed');
    });
    this.#refresh(this.#mountpoint_watch);
    const images = options.storage.actors.list({ kind: 'image', settled: false, limit: 100_000 });
    for (const { id } of images) this.#follow(id, false);
    this.#cancelSlowLook = this.#planSlowLook();
  }

  /** Stops watching, and waits until a look that is under way has ended. */
  async close(): Promise<void> {
    this.#is_closed = true;
    this.#unsubscribe();
    this.#cancelSlowLook();
    this.#mountpoint_watch.close();
    for (const image of this.#images.keys()) this.#leave(image);
    await this.#looking;
  }

  #follow(image: string, is_removed: boolean): void {
    if (is_removed) {
      this.#leave(image);
    } else if (!this.#images.has(image)) {
      const directory = join(this.#options.mountpoint, image);
      const watch = this.#watchOf(directory, (name) => {
        if (name?.startsWith('.') !== true) this.#planLook(image);
      });
      this.#images.set(image, { watch, seen: '', looked_at_ms: 0, cancelLook: undefined });
      this.#planLook(image);
    }
  }

  #leave(image: string): void {
    const watched = this.#images.get(image);
    watched?.cancelLook?.();
    watched?.watch.close();
    this.#images.delete(image);
  }

  #watchOf(directory: string, onChange: (name: string | undefined) => void): DirectoryWatch {
    const start = this.#options.start ?? watchWithKernel;
    return new DirectoryWatch({
      directory,
      start,
      onChange,
      onFailure: (error) => this.#failed(notWatched(directory, error)),
    });
  }

  /** Something came, went or was renamed in the mount point. */
  #entryChanged(name: string | undefined): void {
    if (name !== undefined && this.#images.has(name)) this.#planLook(name);
    // The mount point itself is told of under its own name, for example when it is unmounted.
    else if (name === undefined || name === basename(this.#options.mountpoint)) this.#lookAtAll();
  }

  #lookAtAll(): void {
    this.#refresh(this.#mountpoint_watch);
    for (const image of this.#images.keys()) this.#planLook(image);
  }

  #planSlowLook(): () => void {
    return this.#options.clock.after(this.#options.slow_look_ms ?? slow_look_ms, () => {
      this.#lookAtAll();
      this.#cancelSlowLook = this.#planSlowLook();
    });
  }

  #planLook(image: string): void {
    const watched = this.#images.get(image);
    if (watched === undefined || watched.cancelLook !== undefined) return;
    const { clock } = this.#options;
    const delay_ms = Math.max(settle_ms, watched.looked_at_ms + interval_ms - clock.now());
    // A clock that was put back must not put it off for long.
    watched.cancelLook = clock.after(Math.min(delay_ms, interval_ms), () => {
      watched.cancelLook = undefined;
      watched.looked_at_ms = clock.now();
      this.#enqueue(async () => this.#look(image, watched));
    });
  }

  #refresh(watch: DirectoryWatch): void {
    this.#enqueue(async () => watch.refresh());
  }

  #enqueue(work: () => Promise<void>): void {
    this.#looking = this.#looking.then(work).catch((error: unknown) => {
      this.#failed(IcbdError.from(error, 'watch images', this.#options.mountpoint));
    });
  }

  async #look(image: string, watched: Watched): Promise<void> {
    const isWanted = (): boolean => !this.#is_closed && this.#images.get(image) === watched;
    if (!isWanted()) return;
    await watched.watch.refresh();
    const directory = join(this.#options.mountpoint, image);
    const seen = await glance(directory);
    const before = this.#options.storage.actors.load(address(image));
    if (before === undefined || before.settled || before.status === 'parked' || !isWanted()) return;
    // What could not be read may be readable now although nothing moved.
    if (seen === watched.seen && before.state !== 'missing') return;
    const found = await this.#fingerprintOf(directory);
    const is_steady = (await glance(directory)) === seen;
    if (!isWanted()) return;
    const now = this.#options.storage.actors.load(address(image));
    // While it scans, or did something itself meanwhile, there is nothing to compare with.
    if (now === undefined || now.state === 'scanning' || now.seq !== before.seq) {
      this.#planLook(image);
      return;
    }
    watched.seen = is_steady ? seen : '';
    if (!is_steady) this.#planLook(image);
    if (found === knownOf(now)) return;
    const cause = { kind: 'daemon', what: 'the disk was changed' } as const;
    this.#options.runtime.deliver(address(image), { type: 'image.rescan' }, cause);
  }

  /** Of the snapshots on disk; if they cannot be read, the code of the error. */
  async #fingerprintOf(directory: string): Promise<string> {
    return this.#options.store.listSnapshots(directory).then(
      (snapshots) => scanResult(snapshots).fingerprint,
      (error: unknown) => IcbdError.from(error, 'look at image', directory).code,
    );
  }

  #failed(error: IcbdError): void {
    if (this.#has_failed || this.#is_closed) return;
    this.#has_failed = true;
    this.#options.onFailure(error);
  }
}

function notWatched(directory: string, cause: Error): IcbdError {
  return new IcbdError('Internal', `changes on disk are not watched: ${cause.message}`, {
    operation: 'watch images',
    subject: directory,
    hint: 'images are looked at once a minute; "sysctl fs.inotify.max_user_watches" allows more watches',
    cause,
  });
}

/** The same of what the actor knows. */
function knownOf({ state, snapshot }: ActorRecord): string {
  const { scan, error } = snapshot.context as ImageContext;
  return state === 'missing' ? (error?.code ?? '') : (scan?.fingerprint ?? '');
}
