import path from 'node:path';
import type { ImageContext } from '../../actors/image.js';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import { type SnapshotInfo, lastSnapshot } from '../../core/lineage.js';
import { checkImageName, checkSnapshotNumber } from '../../core/names.js';
import type { ActorRecord, EventCause } from '../../core/records.js';
import type {
  ImageAddRequest,
  HistoryFilter,
  ImageDetails,
  ImageHistoryReport,
  ImageReport,
  SnapshotNeed,
  SnapshotReport,
} from '../../core/report.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Storage } from '../../storage/storage.js';
import { actorHistory } from '../actor_history.js';
import { checkDirectory, checkSource, defaultSource } from './image_directory.js';
import { reportImage, reportSnapshot } from './image_reports.js';
import { deliverAndWait, workOn } from './image_work.js';
import { assertNotNeeded } from './snapshot_guards.js';
import { type HeldByReplicas, needsOf } from './snapshot_needs.js';

export interface ImageRepositoryOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly store: SnapshotStore;
  readonly mountpoint: string;
  /** Whether adding an image makes its directory if it is missing: yes on replicas, on demand on the master. */
  readonly makes_directories: boolean;
  /** Whether a node is a replica of this one; default: none has left. */
  readonly isReplica?: (node: string) => boolean;
}

export interface DeleteOptions {
  /** Deletes also what somebody needs. */
  readonly force?: boolean | undefined;
  /** What replicas hold of the image. */
  readonly held?: HeldByReplicas | undefined;
}

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
   * All about one image: its actor's state, and its snapshots as they are on disk now. Of one that cannot be read, what
   * was known last.
   * @param held what replicas hold of it
   * @throws IcbdError `ImageNotFound`
   */
  async details(name: string, held?: HeldByReplicas): Promise<ImageDetails> {
    const image = this.#report(this.require(name));
    const snapshots = await this.snapshots(name).catch(() => undefined);
    if (snapshots === undefined) return { ...image, last: null, needs: [] };
    const last = lastSnapshot(snapshots);
    return {
      ...image,
      snapshot_count: snapshots.length,
      newest: last?.number ?? '',
      last: last === undefined ? null : this.#reportSnapshot(name, last),
      needs: this.#needs(name, snapshots, held),
    };
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
    const { store, runtime, makes_directories } = this.#options;
    const { source: wanted, create = false } = request;
    if (wanted !== undefined) await checkSource(store, wanted);
    await checkDirectory(store, directory, {
      directory: create || makes_directories,
      source: create && !makes_directories,
    });
    const source = wanted ?? (await defaultSource(store, directory));
    const settings = { source, codec: request.codec ?? null };
    await deliverAndWait(runtime, name, { type: 'image.add', ...settings }, cause, { name, ...settings });
    return this.#report(this.require(name));
  }

  /** Ends its replication; its files are left alone. @throws IcbdError `ImageNotFound` */
  remove(name: string, cause: EventCause): ImageReport {
    const record = this.require(name);
    this.#options.runtime.deliver(record, { type: 'image.remove' }, cause);
    return this.#report(this.#options.storage.actors.load(record) ?? record);
  }

  /** Looks at the disk again, and waits for what it finds. @throws IcbdError `ImageNotFound` */
  async rescan(name: string, cause: EventCause): Promise<ImageReport> {
    this.require(name);
    await deliverAndWait(this.#options.runtime, name, { type: 'image.rescan' }, cause);
    return this.#report(this.require(name));
  }

  /** What happened to it, also of one that was removed. @throws IcbdError `ImageNotFound` if it was never here */
  history(name: string, filter: HistoryFilter): ImageHistoryReport {
    const { storage } = this.#options;
    const record = storage.actors.load({ kind: 'image', id: checkImageName(name) }) ?? this.require(name);
    return { image: this.#report(record), ...actorHistory(storage, record, filter) };
  }

  /** In order, as they are on disk now; empty if there are none. @throws IcbdError `ImageNotFound`, `DirNotFound` */
  async snapshots(name: string): Promise<SnapshotInfo[]> {
    this.require(name);
    return this.#options.store.listSnapshots(this.path(name));
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound` */
  async snapshot(name: string, number: string): Promise<SnapshotInfo> {
    checkSnapshotNumber(number);
    return find(name, number, await this.snapshots(name));
  }

  /**
   * The same, as reports.
   * @param held what replicas hold of the image; undefined: who needs which snapshot is not looked for
   */
  async reports(name: string, held?: HeldByReplicas): Promise<SnapshotReport[]> {
    const snapshots = await this.snapshots(name);
    const needs = held === undefined ? undefined : this.#needs(name, snapshots, held);
    const { mountpoint } = this.#options;
    return snapshots.map((snapshot) => reportSnapshot(mountpoint, name, snapshot, needs));
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound` */
  async report(name: string, number: string): Promise<SnapshotReport> {
    return this.#reportSnapshot(name, await this.snapshot(name, number));
  }

  /** The snapshot of the largest number, or, if none has a number, the newest. @throws as `report` */
  async last(name: string): Promise<SnapshotReport> {
    const last = lastSnapshot(await this.snapshots(name));
    if (last !== undefined) return this.#reportSnapshot(name, last);
    throw new IcbdError('SnapshotNotFound', `the image ${name} has no snapshots`, {
      operation: 'find snapshot',
      subject: name,
      hint: `icbdrep snapshot create ${name}`,
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
    const made = await workOn(this.#options.runtime, name, event, 'create_snapshot', cause);
    return this.report(name, String(made['number']));
  }

  /**
   * Takes a subvolume that somebody else made into the image.
   * @param from absolute path of the one to take a read-only snapshot of; undefined: the writable one that stands under
   *   `number` becomes read-only. Nothing may have a file in it open for writing.
   * @throws IcbdError `ImageNotFound`, `BtrfsSubvolumeNotFound`, `SnapshotAlreadyExists`, `InvalidArgument`
   */
  async addSnapshot(
    name: string,
    number: string,
    from: string | undefined,
    cause: EventCause,
  ): Promise<SnapshotReport> {
    checkSnapshotNumber(number);
    this.require(name);
    if (from !== undefined && !path.isAbsolute(from)) {
      throw new IcbdError('InvalidArgument', `${JSON.stringify(from)} is not an absolute path`, {
        operation: 'add snapshot',
        subject: `${name}/${number}`,
      });
    }
    const event = { type: 'snapshot.add', number, from: from ?? '' };
    await workOn(this.#options.runtime, name, event, 'add_snapshot', cause);
    return this.report(name, number);
  }

  /** @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `SnapshotInUse` */
  async deleteSnapshot(
    name: string,
    number: string,
    cause: EventCause,
    { force = false, held }: DeleteOptions = {},
  ): Promise<SnapshotReport> {
    checkSnapshotNumber(number);
    const snapshots = await this.snapshots(name);
    const snapshot = find(name, number, snapshots);
    const { runtime } = this.#options;
    if (!force) assertNotNeeded(name, number, this.#needs(name, snapshots, held));
    await workOn(runtime, name, { type: 'snapshot.delete', number }, 'delete_snapshot', cause);
    return this.#reportSnapshot(name, snapshot);
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

  #needs(name: string, ours: readonly SnapshotInfo[], held?: HeldByReplicas): SnapshotNeed[] {
    const { storage, isReplica = () => true } = this.#options;
    return needsOf(storage, name, ours, isReplica, held);
  }

  #load(name: string): ActorRecord | undefined {
    const record = this.#options.storage.actors.load({ kind: 'image', id: name });
    return record === undefined || record.settled ? undefined : record;
  }

  #report(record: ActorRecord): ImageReport {
    return reportImage(this.#options.mountpoint, record);
  }

  #reportSnapshot(image: string, snapshot: SnapshotInfo): SnapshotReport {
    return reportSnapshot(this.#options.mountpoint, image, snapshot);
  }
}

function find(image: string, number: string, snapshots: readonly SnapshotInfo[]): SnapshotInfo {
  const found = snapshots.find((snapshot) => snapshot.number === number);
  if (found !== undefined) return found;
  throw new IcbdError('SnapshotNotFound', `the image ${image} has no snapshot ${number}`, {
    operation: 'find snapshot',
    subject: `${image}/${number}`,
    hint: `icbdrep snapshots ${image}`,
  });
}
