import type { Clock } from '../../core/clock.js';
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import type { SnapshotInfo } from '../../core/lineage.js';
import type { ControlLink } from '../../core/link.js';
import type { Commit } from '../../runtime/ports.js';
import type { CopyRows } from '../../storage/copy_rows.js';
import { copyOf } from './copies.js';
import { HeldBoard } from './held_board.js';
import { Inquiries } from './inquiries.js';
import { LineageCache } from './lineage_cache.js';
import { TransferBoard } from './transfer_board.js';

export interface FleetBoardOptions {
  readonly rows: Pick<CopyRows, 'transfers' | 'transfer'>;
  readonly clock: Clock;
  /** Names of the master's images. */
  readonly images: () => readonly string[];
  /** The master's snapshots of an image as they are on disk now. */
  readonly list: (image: string) => Promise<readonly SnapshotInfo[]>;
}

/** A replica as the board needs to know it. */
export interface BoardReplica {
  readonly name: string;
  readonly node_id: number;
  readonly state: string;
  readonly is_online: boolean;
}

/**
 * Who has what: all images of the master and all replicas, from memory. It is kept up to date by what the actors
 * tell and what the replicas answer, so that making the report asks nobody.
 */
export class FleetBoard {
  readonly #options: FleetBoardOptions;
  readonly #held = new HeldBoard();
  readonly #transfers: TransferBoard;
  readonly #inquiries: Inquiries;
  readonly #lineages: LineageCache;

  constructor(options: FleetBoardOptions) {
    const { rows, clock, images, list } = options;
    this.#options = options;
    this.#transfers = new TransferBoard({
      rows,
      onCompleted: (replica, image, identity) => this.#noteCompleted(replica, image, identity),
    });
    this.#inquiries = new Inquiries({
      clock,
      images,
      onAnswer: (replica, image, identities) => {
        // What was completed before it answered is in its answer; what it deleted since then must not come back.
        this.#transfers.read();
        this.#held.set(replica, image, identities, clock.now());
      },
    });
    this.#lineages = new LineageCache({ list, onNew: (image) => this.#inquiries.wantOfAll(image) });
  }

  /** After every commit. */
  note({ events, parked }: Commit): void {
    this.#transfers.note(events, parked);
    this.#lineages.note(events);
  }

  linkUp(link: ControlLink): void {
    this.#inquiries.linkUp(link);
  }

  linkDown(link: ControlLink): void {
    this.#inquiries.linkDown(link);
  }

  /** Something was done to the snapshots of a replica. @param image undefined: nobody knows to which */
  changed(replica: string, image?: string): void {
    this.#inquiries.want(replica, image);
  }

  report(replicas: readonly BoardReplica[]): FleetReport {
    const { images, clock } = this.#options;
    const names = images().toSorted();
    return {
      at_ms: clock.now(),
      images: names.map((name) => {
        const by_age = this.#lineages.of(name)?.by_age ?? [];
        const newest = by_age.at(-1);
        return {
          name,
          newest: newest?.number ?? '',
          snapshot_count: by_age.length,
          newest_at_ms: newest?.created_at_ms ?? null,
        };
      }),
      replicas: replicas.map(({ name, node_id, state }) => ({ name, node_id, state })),
      copies: this.copies(names, replicas),
    };
  }

  /** For each image and each replica. */
  copies(images: readonly string[], replicas: readonly BoardReplica[]): CopyReport[] {
    this.#transfers.read();
    const now_ms = this.#options.clock.now();
    return images.flatMap((image) => {
      const ours = this.#lineages.of(image);
      return replicas.map(({ name: replica, is_online }) => {
        const held = this.#held.of(replica, image);
        const transfers = this.#transfers.of(replica, image);
        return copyOf({ image, replica, is_online, ours, held, transfers, now_ms });
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#inquiries.close(), this.#lineages.close()]);
  }

  #noteCompleted(replica: string, image: string, identity: string): void {
    if (identity !== '') this.#held.add(replica, image, identity);
    // It was there before under another number, or an answer on its way may be older than this.
    if (identity === '' || this.#inquiries.isAsking(replica)) this.#inquiries.want(replica, image);
  }
}
