import type { Delivery } from './delivery.js';

/** Deliveries that belong together, within a transaction that may have more of them. */
export interface Batch {
  /** Asked inside of the transaction; false: nothing of it is delivered. */
  readonly holds: () => boolean;
  readonly deliveries: readonly Delivery[];
}

/** Something that came from outside, and who waits for its commit. */
export interface Arrival {
  readonly batch: Batch;
  /** Called after the commit. @param was_held whether anything of it was delivered */
  readonly onCommitted: (was_held: boolean) => void;
  /** Called when it could not be committed; nothing of it has happened then. */
  readonly onFailed: (error: unknown) => void;
}

/** What comes together is committed together, at most so many: a commit must not hold up the node for long. */
export const batches_max = 100;

/** What has come from outside and waits, in its order, for the commit that it shares with others. */
export class Arrivals {
  readonly #commit: (batches: readonly Batch[]) => readonly boolean[];
  readonly #waiting: Arrival[] = [];
  #is_due = false;

  /** @param commit all in one transaction; returns which of them were held */
  constructor(commit: (batches: readonly Batch[]) => readonly boolean[]) {
    this.#commit = commit;
  }

  /**
   * @param when `now`: with what else comes in this turn of the microtasks. `soon`: with what comes from all sockets
   *   that have something to read.
   */
  add(arrival: Arrival, when: 'now' | 'soon'): void {
    this.#waiting.push(arrival);
    if (when === 'now') queueMicrotask(() => this.#take());
    else this.#takeSoon();
  }

  /** Commits all that waits, at once. */
  flush(): void {
    while (this.#waiting.length > 0) this.#takeSome();
  }

  #take(): void {
    this.#takeSome();
    if (this.#waiting.length > 0) this.#takeSoon();
  }

  #takeSoon(): void {
    if (this.#is_due) return;
    this.#is_due = true;
    setImmediate(() => {
      this.#is_due = false;
      this.#take();
    });
  }

  #takeSome(): void {
    const taken = this.#waiting.splice(0, batches_max);
    if (taken.length === 0) return;
    let held: readonly boolean[];
    try {
      held = this.#commit(taken.map(({ batch }) => batch));
    } catch (error) {
      for (const { onFailed } of taken) onFailed(error);
      return;
    }
    for (const [index, { onCommitted }] of taken.entries()) onCommitted(held[index] === true);
  }
}
