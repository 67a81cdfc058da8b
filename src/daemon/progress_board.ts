import type { Clock } from '../core/clock.js';
import type { ActorAddress, ProgressRecord } from '../core/records.js';
import type { ProgressReport } from '../core/report.js';

/** Time between two writes of one actor's progress to the database, ms. */
const save_every_ms = 1_000;

interface Entry {
  /** Makes the record as it is now. */
  readonly read: () => ProgressRecord;
  saved_at_ms: number;
}

/** Told when an actor's progress begins to be shown; what it returns is called when that ends. */
export type ProgressFollower = (actor: ActorAddress, read: () => ProgressRecord) => () => void;

const keyOf = ({ kind, id }: ActorAddress): string => `${kind}/${id}`;

/** Where running transfers stand: live in memory, and now and then in the database for after a crash. */
export class ProgressBoard {
  readonly #clock: Clock;
  readonly #save: (progress: ProgressRecord) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #followers: ProgressFollower[] = [];

  constructor(clock: Clock, save: (progress: ProgressRecord) => void) {
    this.#clock = clock;
    this.#save = save;
  }

  /**
   * Shows an actor's progress until the returned function is called.
   * @param read asked whenever somebody looks
   */
  show(actor: ActorAddress, read: () => ProgressRecord): () => void {
    const key = keyOf(actor);
    const entry: Entry = { read, saved_at_ms: 0 };
    this.#entries.set(key, entry);
    this.#saveIfDue(entry);
    const ends = this.#followers.map((follower) => follower(actor, read));
    const tick = (): void => {
      this.#saveIfDue(entry);
      cancel = this.#clock.after(save_every_ms, tick);
    };
    let cancel = this.#clock.after(save_every_ms, tick);
    return () => {
      cancel();
      for (const end of ends) end();
      if (this.#entries.get(key) !== entry) return;
      this.#entries.delete(key);
      // Where it stood is told for as long as nothing moves.
      this.#save(entry.read());
    };
  }

  /** Tells of every run from its begin to its end. */
  follow(follower: ProgressFollower): void {
    this.#followers.push(follower);
  }

  /** Null when the actor's effect does not run now. */
  current(actor: ActorAddress): ProgressRecord | null {
    return this.#entries.get(keyOf(actor))?.read() ?? null;
  }

  /** Of all actors whose effect runs now. */
  all(): ProgressRecord[] {
    return [...this.#entries.values()].map(({ read }) => read());
  }

  #saveIfDue(entry: Entry): void {
    const now_ms = this.#clock.now();
    if (now_ms - entry.saved_at_ms < save_every_ms) return;
    entry.saved_at_ms = now_ms;
    this.#save(entry.read());
  }
}

/** Progress as people read it. The estimate of a total may be low: it never shows less than what is done. */
export function progressReport(progress: ProgressRecord): ProgressReport {
  const { stream_bytes, link_bytes, rate_bytes_per_s, at_ms } = progress;
  const { taken_bytes, checkpoint_bytes, checkpoint_at_ms } = progress;
  const total_bytes = progress.total_bytes === null ? null : Math.max(progress.total_bytes, stream_bytes);
  const is_known = total_bytes !== null && rate_bytes_per_s > 0;
  const eta_s = is_known ? Math.ceil((total_bytes - stream_bytes) / rate_bytes_per_s) : null;
  const kept = { taken_bytes, checkpoint_bytes, checkpoint_at_ms, at_ms };
  return { stream_bytes, link_bytes, total_bytes, rate_bytes_per_s, eta_s, ...kept };
}
