/** Whether this replica takes a snapshot, and why not: asked before a stream, and by operators. */
import type { SnapshotStore } from '../btrfs/snapshot_store.js';
import { IcbdError } from '../core/errors.js';
import { identityOf } from '../core/lineage.js';
import type { AcceptReport } from '../core/node_report.js';
import type { ImageRepository } from './images/image_repository.js';

/** With less room than this no stream is taken in, bytes. */
const free_bytes_min = 64 * 1024 * 1024;

export interface AdmissionOptions {
  readonly node: string;
  /** Receptions that hold resources, but for the one that asks. */
  readonly running: (except: string | undefined) => number;
  readonly store: Pick<SnapshotStore, 'freeBytes'>;
  readonly repository: Pick<ImageRepository, 'path' | 'has' | 'snapshots'>;
  /** Whether a transfer of an image that is not there adds it. */
  readonly auto_add_images: boolean;
  readonly receptions_max: number;
  readonly isStopping: () => boolean;
}

export interface WantedSnapshot {
  readonly image: string;
  readonly number: string;
  /** The master's identity of it. */
  readonly uuid: string;
}

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * @param reception the one that asks, which is not counted
   * @throws IcbdError `Busy`
   */
  assertNotBusy(reception?: string): void {
    const { node, receptions_max, isStopping } = this.#options;
    const details = { operation: 'prepare', subject: node };
    if (isStopping()) {
      const hint = 'it is sent when the node is back';
      throw new IcbdError('Busy', `${node} is stopping`, { ...details, hint });
    }
    const running = this.#options.running(reception);
    if (running < receptions_max) return;
    throw new IcbdError('Busy', `${node} receives ${running} snapshots already`, {
      ...details,
      hint: "wait, or raise transfers.receptions_max in the replica's config",
    });
  }

  /** @throws IcbdError `ImageNotFound` */
  assertKnown(image: string): void {
    const { node, repository, auto_add_images } = this.#options;
    if (repository.has(image) || auto_add_images) return;
    throw new IcbdError('ImageNotFound', `${node} does not hold the image ${image}`, {
      operation: 'prepare',
      subject: image,
      hint: `icbdrep image add ${image} --node ${node}, or auto_add_images = true in the replica's config`,
    });
  }

  /**
   * @returns identities of the snapshots that are there
   * @throws IcbdError `SnapshotConflict`
   */
  async heldBeside({ image, number, uuid }: WantedSnapshot): Promise<string[]> {
    const snapshots = await this.#options.repository.snapshots(image);
    const here = snapshots.find((snapshot) => snapshot.number === number);
    if (here !== undefined && identityOf(here) !== uuid) {
      throw new IcbdError('SnapshotConflict', `another snapshot stands as ${image}/${number}`, {
        operation: 'prepare',
        subject: `${image}/${number}`,
        hint: 'delete it on this replica, or send under a new number',
      });
    }
    return snapshots.map(identityOf);
  }

  /** @throws IcbdError `NoSpace` */
  async assertRoom(image: string): Promise<void> {
    const { store, repository } = this.#options;
    const directory = repository.path(image);
    const free_bytes = await store.freeBytes(directory);
    if (free_bytes >= free_bytes_min) return;
    throw new IcbdError('NoSpace', `only ${free_bytes} bytes are free`, {
      operation: 'prepare',
      subject: directory,
      hint: 'delete old snapshots of the replica, or give it more room',
    });
  }

  /** Looks, and changes nothing. */
  async report(wanted: WantedSnapshot): Promise<AcceptReport> {
    const { node, repository } = this.#options;
    const { image, number } = wanted;
    const about = { node, image, number };
    try {
      this.assertNotBusy();
      this.assertKnown(image);
      if (repository.has(image)) {
        const held = await this.heldBeside(wanted);
        if (held.includes(wanted.uuid)) {
          return { ...about, accepts: false, reason: 'already_there', error: null };
        }
        await this.assertRoom(image);
      }
      return { ...about, accepts: true, reason: '', error: null };
    } catch (thrown) {
      const error = IcbdError.from(thrown, 'prepare', `${image}/${number}`);
      const reason = reasons[error.code];
      if (reason === undefined) throw error;
      return { ...about, accepts: false, reason, error: error.toReport() };
    }
  }
}

const reasons: Readonly<Record<string, AcceptReport['reason']>> = {
  Busy: 'busy',
  ImageNotFound: 'unknown_image',
  SnapshotConflict: 'conflict',
  NoSpace: 'no_room',
};
