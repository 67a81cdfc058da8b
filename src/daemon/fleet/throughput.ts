import type { Clock } from '../../core/clock.js';
import { type ThroughputRows, throughput_step_s } from '../../storage/throughput_rows.js';
import type { ByteCounts, Bytes } from './byte_counts.js';

/** How long it is kept, seconds. */
const kept_s = 7 * 24 * 3_600;
/** Time between two looks for what is too old, seconds. */
const forget_every_s = 3_600;

const step_ms = throughput_step_s * 1_000;
const nothing: Bytes = { stream_bytes: 0, link_bytes: 0 };

export interface ThroughputOptions {
  readonly clock: Clock;
  readonly counts: ByteCounts;
  readonly rows: ThroughputRows;
  /** Runs what changes rows in one transaction that need not wait for the disk. */
  readonly transaction: (work: () => void) => void;
}

/** Writes down every ten seconds what went to each replica; where nothing went, nothing is written. */
export class Throughput {
  readonly #options: ThroughputOptions;
  readonly #written = new Map<string, Bytes>();
  #forgot_at_s = 0;
  #cancel: () => void = () => undefined;

  constructor(options: ThroughputOptions) {
    this.#options = options;
    this.#wait();
  }

  /** Writes what is left of the last step. */
  close(): void {
    this.#cancel();
    this.#write();
  }

  #wait(): void {
    const { clock } = this.#options;
    this.#cancel = clock.after(step_ms - (clock.now() % step_ms), () => {
      this.#write();
      this.#wait();
    });
  }

  #write(): void {
    const { clock, counts, rows, transaction } = this.#options;
    // The step that ends now, or the one that runs.
    const at_s = Math.floor((clock.now() - 1) / step_ms) * throughput_step_s;
    const changed = [...counts.totals()].flatMap(([replica, total]) => {
      const before = this.#written.get(replica) ?? nothing;
      const stream_bytes = total.stream_bytes - before.stream_bytes;
      const link_bytes = total.link_bytes - before.link_bytes;
      if (stream_bytes === 0 && link_bytes === 0) return [];
      this.#written.set(replica, total);
      return [{ replica, at_s, stream_bytes, link_bytes }];
    });
    const is_forgetting = at_s - this.#forgot_at_s >= forget_every_s;
    if (changed.length === 0 && !is_forgetting) return;
    transaction(() => {
      for (const row of changed) rows.add(row);
      if (is_forgetting) rows.forget(at_s - kept_s);
    });
    if (is_forgetting) this.#forgot_at_s = at_s;
  }
}
