import type { Clock } from '../core/clock.js';

/** The longest wait that a timer of the platform takes, ms. */
const longest_ms = 2_000_000_000;

/** Wakes when the earliest row of the timers is due: one timer of the platform for any number of rows. */
export class TimerQueue {
  readonly #clock: Clock;
  readonly #next: () => number | undefined;
  readonly #wake: () => void;
  #cancel: (() => void) | undefined;
  #armed_for_ms: number | undefined;

  /**
   * @param next when the earliest is due, unix ms
   * @param wake called when it is; arms again afterwards
   */
  constructor(clock: Clock, next: () => number | undefined, wake: () => void) {
    this.#clock = clock;
    this.#next = next;
    this.#wake = wake;
  }

  /** To be called whenever a row was added or the earliest went. */
  arm(): void {
    const due_ms = this.#next();
    if (due_ms === this.#armed_for_ms) return;
    this.close();
    if (due_ms === undefined) return;
    this.#armed_for_ms = due_ms;
    const delay_ms = Math.min(Math.max(due_ms - this.#clock.now(), 0), longest_ms);
    this.#cancel = this.#clock.after(delay_ms, () => {
      this.#armed_for_ms = undefined;
      this.#wake();
      this.arm();
    });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armed_for_ms = undefined;
  }
}
