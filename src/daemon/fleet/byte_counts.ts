import type { ActorAddress, ProgressRecord } from '../../core/records.js';
import type { ProgressBoard } from '../progress_board.js';

/** Bytes that went since the node started. */
export interface Bytes {
  /** Uncompressed. */
  readonly stream_bytes: number;
  readonly link_bytes: number;
}

interface Run {
  readonly to: string;
  readonly read: () => ProgressRecord;
  /** What is counted already. */
  seen: Bytes;
}

/** What came since `seen`; a counter that went back says nothing. */
const since = (now: number, seen: number): number => Math.max(0, now - seen);

/**
 * Counts the bytes that go, by where they go. Each run of a transfer is counted from where it begins: what the other
 * side had already is not sent again. Nothing is lost between two looks: a run is looked at when it ends, too.
 */
export class ByteCounts {
  readonly #runs = new Set<Run>();
  readonly #totals = new Map<string, Bytes>();

  /** @param whereTo what an actor's bytes are counted under; undefined: they are not */
  constructor(board: ProgressBoard, whereTo: (actor: ActorAddress) => string | undefined) {
    board.follow((actor, read) => {
      const to = whereTo(actor);
      return to === undefined ? () => undefined : this.#begin(to, read);
    });
  }

  /** By where they went; only those to which anything went. */
  totals(): ReadonlyMap<string, Bytes> {
    for (const run of this.#runs) this.#count(run);
    return this.#totals;
  }

  #begin(to: string, read: () => ProgressRecord): () => void {
    const run: Run = { to, read, seen: read() };
    this.#runs.add(run);
    return () => {
      this.#count(run);
      this.#runs.delete(run);
    };
  }

  #count(run: Run): void {
    const { stream_bytes, link_bytes } = run.read();
    const total = this.#totals.get(run.to) ?? { stream_bytes: 0, link_bytes: 0 };
    this.#totals.set(run.to, {
      stream_bytes: total.stream_bytes + since(stream_bytes, run.seen.stream_bytes),
      link_bytes: total.link_bytes + since(link_bytes, run.seen.link_bytes),
    });
    run.seen = { stream_bytes, link_bytes };
  }
}
