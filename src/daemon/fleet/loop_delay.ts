import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../core/clock.js';

/** How often the event loop is looked at, ms: a shorter delay is not seen. */
const resolution_ms = 20;
/** What is told is of the window that runs and of the one before it, ms each. */
const window_ms = 30_000;
const ns_per_s = 1e9;

export interface Delay {
  readonly max_s: number;
  readonly p99_s: number;
}

/** What is measured is the time between two looks, ns; what is wanted is how late the second one was, seconds. */
const beyond = (ns: number): number => Math.max(0, ns / ns_per_s - resolution_ms / 1_000);

const none: Delay = { max_s: 0, p99_s: 0 };

/** How long the event loop was held up lately, at least half a minute back and at most one. */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: resolution_ms });
  #before: Delay = none;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#histogram.enable();
    this.#turn();
  }

  /** Seconds. */
  recent(): Delay {
    const now = this.#now();
    return {
      max_s: Math.max(now.max_s, this.#before.max_s),
      p99_s: Math.max(now.p99_s, this.#before.p99_s),
    };
  }

  close(): void {
    this.#cancel();
    this.#histogram.disable();
  }

  #turn(): void {
    this.#cancel = this.#clock.after(window_ms, () => {
      this.#before = this.#now();
      this.#histogram.reset();
      this.#turn();
    });
  }

  #now(): Delay {
    if (this.#histogram.count === 0) return none;
    return { max_s: beyond(this.#histogram.max), p99_s: beyond(this.#histogram.percentile(99)) };
  }
}
