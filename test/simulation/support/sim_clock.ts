import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../src/core/clock.js';

interface Entry {
  readonly at_ms: number;
  readonly order: number;
  readonly work: () => void;
  cancelled: boolean;
}

/** Time that passes only when nothing is left to do: the same seed gives the same run. */
export class SimClock implements Clock {
  #now_ms = 1_700_000_000_000;
  #order = 0;
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#now_ms;
  }

  after(delay_ms: number, work: () => void): () => void {
    const at_ms = this.#now_ms + Math.max(0, delay_ms);
    const entry: Entry = { at_ms, order: this.#order, work, cancelled: false };
    this.#order += 1;
    this.#push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /**
   * Runs what is due, in order, until nothing is left.
   * @param steps_max more means that the nodes never come to rest
   */
  async run(steps_max: number): Promise<void> {
    for (let steps = 0; ; steps += 1) {
      const entry = this.#pop();
      if (entry === undefined) return;
      if (entry.cancelled) continue;
      if (steps > steps_max) throw new Error(`the simulation does not come to rest in ${steps_max} steps`);
      this.#now_ms = entry.at_ms;
      entry.work();
      // All promises that this has settled run before the next entry.
      await turn();
    }
  }

  #isBefore(a: Entry, b: Entry): boolean {
    return a.at_ms === b.at_ms ? a.order < b.order : a.at_ms < b.at_ms;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!this.#isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1] as Entry, heap[child] as Entry))
        child += 1;
      if (!this.#isBefore(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
