import type { SnapshotInfo } from '../../core/lineage.js';
import type { EventRecord } from '../../core/records.js';
import { type MasterSnapshots, masterSnapshots } from './copies.js';
import { KeyedQueue } from './keyed_queue.js';

/** Images whose snapshots are listed at the same time. */
const images_at_once = 2;

export interface LineageCacheOptions {
  /** The snapshots of an image as they are on disk now; may reject. */
  readonly list: (image: string) => Promise<readonly SnapshotInfo[]>;
  /** Told when an image is listed for the first time. */
  readonly onNew: (image: string) => void;
}

/** The master's own snapshots, listed again only after a scan has found other ones. */
export class LineageCache {
  readonly #options: LineageCacheOptions;
  readonly #snapshots = new Map<string, MasterSnapshots>();
  readonly #fingerprints = new Map<string, string>();
  readonly #queue = new KeyedQueue(images_at_once, (image) => this.#list(image));

  constructor(options: LineageCacheOptions) {
    this.#options = options;
  }

  /** Undefined: it is not known yet. */
  of(image: string): MasterSnapshots | undefined {
    return this.#snapshots.get(image);
  }

  /** After every commit: whether a scan found something else than the one before. */
  note(events: readonly EventRecord[]): void {
    for (const { kind, id, event, handled } of events) {
      if (kind !== 'image' || event.type !== 'scan.done' || !handled) continue;
      const { fingerprint } = event['result'] as { readonly fingerprint: string };
      if (fingerprint !== '' && this.#fingerprints.get(id) === fingerprint) continue;
      this.#fingerprints.set(id, fingerprint);
      this.#queue.add(id);
    }
  }

  close(): Promise<void> {
    return this.#queue.close();
  }

  /** Never rejects: of an image that cannot be read, what was known stays. */
  async #list(image: string): Promise<void> {
    try {
      const snapshots = masterSnapshots(await this.#options.list(image));
      const is_new = !this.#snapshots.has(image);
      this.#snapshots.set(image, snapshots);
      if (is_new) this.#options.onNew(image);
    } catch {
      this.#fingerprints.delete(image);
    }
  }
}
