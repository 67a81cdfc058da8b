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

const keyOf = ({ kind, id }: ActorAddress): string => `${kind}/${id}`;

/** Where running transfers stand: live in memory, and now and then in the database for after a crash. */
export class ProgressBoard {
  readonly #clock: Clock;
  readonly #save: (progress: ProgressRecord) => void;
  readonly #entries = new Map<string, Entry>();

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
    const tick = (): void => {
      this.#saveIfDue(entry);
      cancel = this.#clock.after(save_every_ms, tick);
    };
    let cancel = this.#clock.after(save_every_ms, tick);
    return () => {
      cancel();
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
  }

  /** Null when the actor's effect does not run now. */
  current(actor: ActorAddress): ProgressRecord | null {
    return this.#entries.get(keyOf(actor))?.read() ?? null;
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
  const { stream_bytes, link_bytes, rate_bytes_per_s } = progress;
  const total_bytes = progress.total_bytes === null ? null : Math.max(progress.total_bytes, stream_bytes);
  const is_known = total_bytes !== null && rate_bytes_per_s > 0;
  const eta_s = is_known ? Math.ceil((total_bytes - stream_bytes) / rate_bytes_per_s) : null;
  return { stream_bytes, link_bytes, total_bytes, rate_bytes_per_s, eta_s };
}
