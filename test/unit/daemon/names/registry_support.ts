/** A name server on a database in memory, and a clock that a test moves. */
import { afterEach } from 'vitest';
import type { Clock } from '../../../../src/core/clock.js';
import type { NameCaller } from '../../../../src/core/name_service.js';
import { NameRegistry } from '../../../../src/daemon/names/name_registry.js';
import { Storage } from '../../../../src/storage/storage.js';

export class ManualClock implements Clock {
  readonly #waiting = new Set<{ readonly due_ms: number; readonly work: () => void }>();
  #now_ms = 1_000_000;

  now(): number {
    return this.#now_ms;
  }

  after(delay_ms: number, work: () => void): () => void {
    const entry = { due_ms: this.#now_ms + delay_ms, work };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** Lets so much time pass, and does what is due on the way. */
  pass(seconds: number): void {
    const until_ms = this.#now_ms + seconds * 1_000;
    for (;;) {
      const next = [...this.#waiting].toSorted((a, b) => a.due_ms - b.due_ms)[0];
      if (next === undefined || next.due_ms > until_ms) break;
      this.#waiting.delete(next);
      this.#now_ms = next.due_ms;
      next.work();
    }
    this.#now_ms = until_ms;
  }
}

export const operator: NameCaller = { node: 'names', role: 'operator' };
export const master: NameCaller = { node: 'm', role: 'master' };
export const r1: NameCaller = { node: 'r1', role: 'replica' };
export const r2: NameCaller = { node: 'r2', role: 'replica' };

export interface NameBench {
  readonly clock: ManualClock;
  readonly storage: Storage;
  registry: NameRegistry;
  /** As a new start of the node on the same database. */
  restart(): void;
}

const opened: Storage[] = [];
afterEach(() => {
  for (const storage of opened.splice(0)) storage.close();
});

/** Closed after the test. */
export function nameBench(file = ':memory:'): NameBench {
  const clock = new ManualClock();
  const storage = Storage.open(file);
  opened.push(storage);
  const start = (): NameRegistry => {
    const registry = new NameRegistry({ storage, clock, node: 'names', unreachable_s: 300 });
    registry.open('ws://127.0.0.1:9409');
    return registry;
  };
  const bench: NameBench = {
    clock,
    storage,
    registry: start(),
    restart: () => {
      bench.registry = start();
    },
  };
  return bench;
}

export const address = 'ws://10.0.0.5:9410';
