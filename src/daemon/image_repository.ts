import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ImageContext } from '../actors/image.js';
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import { IcbdError } from '../core/errors.js';
import type { SnapshotInfo } from '../core/lineage.js';
import { checkImageName, checkSnapshotNumber } from '../core/names.js';
import type { ActorRecord, EventCause, PlainEvent } from '../core/records.js';
import type { ImageAddRequest, ImageReport, SnapshotReport } from '../core/report.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Storage } from '../storage/storage.js';

export interface ImageRepositoryOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly store: SnapshotStore;
  readonly mountpoint: string;
  /** Whether adding an image makes its directory if it is missing: yes on replicas, on demand on the master. */
  readonly makes_directories: boolean;
  /** Throws `SnapshotInUse` when a snapshot must not be deleted now. */
  readonly assertNotInUse: (image: string, number: string) => void;
}

/** Name of the writable subvolume in an image's directory that snapshots are taken of by default. */
const default_source = 'live';

/** The images of this node, and the operations on them that an operator or a peer can ask for. */
export class ImageRepository {
  readonly #options: ImageRepositoryOptions;

  constructor(options: ImageRepositoryOptions) {
    this.#options = options;
  }

  /** `<mountpoint>/<image>`. @throws IcbdError `InvalidArgument` */
  path(image: string): string {
    return path.join(this.#options.mountpoint, checkImageName(image));
  }

  has(image: string): boolean {
    return this.#load(image) !== undefined;
  }

  /** By name. */
  list(): ImageReport[] {
    const images = this.#options.storage.actors.list({ kind: 'image', settled: false, limit: 100_000 });
    return images.map((record) => this.#report(record)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * Adds an image, and finds the snapshots that are on disk already.
   * @throws IcbdError `InvalidArgument`, `ImageAlreadyExists`, `DirNotFound`, `BtrfsPathNotFound`,
   *   `BtrfsSubvolumeNotFound` (a source that is not a subvolume); then nothing has changed
   */
  async add(request: ImageAddRequest, cause: EventCause): Promise<ImageReport> {
    const { name } = request;
    const directory = this.path(name);
    if (this.has(name)) {
      throw new IcbdError('ImageAlreadyExists', `the image ${name} is already there`, {
        operation: 'add image',
        subject: name,
      });
    }
    if (request.source !== undefined) await this.#checkSource(request.source);
    await this.#checkDirectory(directory, request.create === true);
    const source = request.source ?? (await this.#defaultSource(directory));
    const settings = { source, codec: request.codec ?? null };
    const input = { name, ...settings };
    await this.#deliver(name, { type: 'image.add', ...settings }, cause, input);
    return this.#report(this.require(name));
  }

  /** Ends its replication; its files are left alone. @throws IcbdError `ImageNotFound` */
  remove(name: string, cause: EventCause): ImageReport {
    const record = this.require(name);
    this.#options.runtime.deliver(record, { type: 'image.remove' }, cause);
    return this.#report(this.#options.storage.actors.load(record) ?? record);
  }

  /** Oldest first, as they are on disk now. @throws IcbdError `ImageNotFound`, `DirNotFound` */
  async snapshots(name: string): Promise<SnapshotInfo[]> {
    this.require(name);
    return this.#options.store.listSnapshots(this.path(name));
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound` */
  async snapshot(name: string, number: string): Promise<SnapshotInfo> {
    checkSnapshotNumber(number);
    const found = (await this.snapshots(name)).find((snapshot) => snapshot.number === number);
    if (found !== undefined) return found;
    throw new IcbdError('SnapshotNotFound', `the image ${name} has no snapshot ${number}`, {
      operation: 'find snapshot',
      subject: `${name}/${number}`,
      hint: `icbdrep snapshots ${name}`,
    });
  }

  /**
   * Takes a read-only snapshot of the image's source.
   * @param number undefined: the next free one
   * @throws IcbdError `ImageNotFound`, `SnapshotAlreadyExists`, `BtrfsSubvolumeNotFound` (no source)
   */
  async createSnapshot(name: string, number: string | undefined, cause: EventCause): Promise<SnapshotReport> {
    if (number !== undefined) checkSnapshotNumber(number);
    this.require(name);
    const event = { type: 'snapshot.create', number: number ?? '' };
    const made = await this.#work(name, event, 'create_snapshot', cause);
    return this.reportSnapshot(name, await this.snapshot(name, String(made['number'])));
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `SnapshotInUse` */
  async deleteSnapshot(name: string, number: string, cause: EventCause): Promise<SnapshotReport> {
    const snapshot = await this.snapshot(name, number);
    this.#options.assertNotInUse(name, number);
    await this.#work(name, { type: 'snapshot.delete', number }, 'delete_snapshot', cause);
    return this.reportSnapshot(name, snapshot);
  }

  /** Oldest first; empty if there are none. @throws IcbdError `ImageNotFound`, `DirNotFound` */
  async reports(name: string): Promise<SnapshotReport[]> {
    return (await this.snapshots(name)).map((snapshot) => this.reportSnapshot(name, snapshot));
  }

  reportSnapshot(image: string, snapshot: SnapshotInfo): SnapshotReport {
    const { number, uuid, received_uuid, created_at_ms } = snapshot;
    return { image, number, path: path.join(this.path(image), number), uuid, received_uuid, created_at_ms };
  }

  /** The image's actor. @throws IcbdError `ImageNotFound` */
  require(name: string): ActorRecord {
    checkImageName(name);
    const record = this.#load(name);
    if (record !== undefined) return record;
    throw new IcbdError('ImageNotFound', `there is no image ${name} on this node`, {
      operation: 'find image',
      subject: name,
      hint: `icbdrep images shows what is there; icbdrep image add ${name} adds it`,
    });
  }

  /** What an operator set for the image. @throws IcbdError `ImageNotFound` */
  settings(name: string): ImageContext {
    return this.require(name).snapshot.context as ImageContext;
  }

  #load(name: string): ActorRecord | undefined {
    const record = this.#options.storage.actors.load({ kind: 'image', id: name });
    return record === undefined || record.settled ? undefined : record;
  }

  async #checkSource(source: string): Promise<void> {
    if (path.isAbsolute(source) && (await this.#options.store.isSubvolume(source))) return;
    throw new IcbdError('BtrfsSubvolumeNotFound', `${source} is not a subvolume`, {
      operation: 'add image',
      subject: source,
      hint: `an absolute path to a writable subvolume: btrfs subvolume create ${source}`,
    });
  }

  async #checkDirectory(directory: string, create: boolean): Promise<void> {
    const { store, makes_directories } = this.#options;
    const stats = await lstat(directory).catch(() => undefined);
    if (stats === undefined && (create || makes_directories)) {
      await mkdir(directory);
      if (create && !makes_directories) await store.createSubvolume(path.join(directory, default_source));
      // The database says that the image is there: so must the disk, after a power cut too.
      await store.checkMountpoint(directory);
      await store.sync(directory);
    } else if (!stats?.isDirectory()) {
      throw new IcbdError('DirNotFound', `there is no directory ${directory}`, {
        operation: 'add image',
        subject: directory,
        hint: 'make it, or use --create',
      });
    }
    await store.checkMountpoint(directory);
  }

  async #defaultSource(directory: string): Promise<string> {
    const source = path.join(directory, default_source);
    return (await this.#options.store.isSubvolume(source)) ? source : '';
  }

  async #deliver(name: string, event: PlainEvent, cause: EventCause, input?: unknown): Promise<void> {
    const { runtime } = this.#options;
    const commit = runtime.deliver({ kind: 'image', id: name }, event, cause, input);
    await Promise.all(commit.effects.map((effect) => runtime.effectEnd(effect.id)));
  }

  /** Delivers an event that starts one effect, and waits for its end. */
  async #work(name: string, event: PlainEvent, effect: string, cause: EventCause): Promise<PlainEvent> {
    const { runtime } = this.#options;
    const commit = runtime.deliver({ kind: 'image', id: name }, event, cause);
    const started = commit.effects.find(({ kind }) => kind === effect);
    if (started === undefined) {
      throw new IcbdError('NotAllowedNow', `the image ${name} cannot do that now`, {
        operation: event.type,
        subject: name,
        hint: 'icbdrep images tells its state',
      });
    }
    const end = await runtime.effectEnd(started.id);
    if (end.status === 'done') return end.event;
    if (end.status === 'failed') throw IcbdError.fromReport(end.event['error'] as never);
    throw new IcbdError('Interrupted', 'the daemon stopped meanwhile', {
      operation: event.type,
      subject: name,
    });
  }

  #report(record: ActorRecord): ImageReport {
    const context = record.snapshot.context as ImageContext;
    return {
      name: context.name,
      state: record.state,
      path: path.join(this.#options.mountpoint, context.name),
      source: context.source,
      codec: context.codec,
      snapshot_count: context.scan?.snapshot_count ?? null,
      newest: context.scan?.newest ?? '',
      error: context.error,
    };
  }
}
