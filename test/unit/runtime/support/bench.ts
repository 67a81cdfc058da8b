import type { MachineDefinitions } from '../../../../src/actors/machines.js';
import type { Clock } from '../../../../src/core/clock.js';
import type { IcbdError } from '../../../../src/core/errors.js';
import type { ActorKind, EventCause, PlainEvent } from '../../../../src/core/records.js';
import type { EffectHandler } from '../../../../src/runtime/ports.js';
import { Runtime } from '../../../../src/runtime/runtime.js';
import { Storage } from '../../../../src/storage/storage.js';
import { counters } from './counter.js';

export const cause: EventCause = { kind: 'operator', who: 'test' };
export const one = { kind: 'image' as ActorKind, id: 'one' };
export const two = { kind: 'image' as ActorKind, id: 'two' };

/** A clock that stands until it is told to go. */
export class ManualClock implements Clock {
  now_ms = 1_000_000;
  readonly #waiting = new Set<{ at_ms: number; work: () => void }>();

  now(): number {
    return this.now_ms;
  }

  after(delay_ms: number, work: () => void): () => void {
    const entry = { at_ms: this.now_ms + delay_ms, work };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  advance(by_ms: number): void {
    this.now_ms += by_ms;
    for (let due = this.#due(); due !== undefined; due = this.#due()) {
      this.#waiting.delete(due);
      due.work();
    }
  }

  #due(): { at_ms: number; work: () => void } | undefined {
    return [...this.#waiting]
      .filter(({ at_ms }) => at_ms <= this.now_ms)
      .toSorted((a, b) => a.at_ms - b.at_ms)[0];
  }
}

/** A handler that works until it is told how to end. */
export class HeldHandler {
  readonly calls: {
    effect: string;
    signal: AbortSignal;
    end: (type: string) => void;
    fail: (error: unknown) => void;
    tell: (event: PlainEvent) => boolean;
  }[] = [];
  readonly handle: EffectHandler = (effect, { signal, tell }) =>
    new Promise((resolve, reject) => {
      this.calls.push({ effect: effect.id, signal, end: (type) => resolve({ type }), fail: reject, tell });
    });
}

/** A runtime over a real database in memory, with what the tests of it need. */
export class Bench {
  readonly clock = new ManualClock();
  readonly fatal: IcbdError[] = [];
  readonly work = new HeldHandler();
  readonly storage: Storage;
  runtime: Runtime;

  constructor(file = ':memory:') {
    this.storage = Storage.open(file);
    this.runtime = this.start();
  }

  /** The process starts anew on the same database; the one before is forgotten, as after a crash. */
  start(
    machines: MachineDefinitions = counters,
    handlers: Readonly<Record<string, EffectHandler>> = { work: this.work.handle },
  ): Runtime {
    const { storage, clock, fatal } = this;
    const onFatal = (error: IcbdError): void => void fatal.push(error);
    this.runtime = new Runtime({ storage, machines, clock, handlers, onFatal });
    this.runtime.start();
    return this.runtime;
  }

  create(id = 'one'): void {
    this.runtime.create({ kind: 'image', id }, { name: id }, cause);
  }

  send(type: string, more: object = {}, to = one): void {
    this.runtime.deliver(to, { type, ...more }, cause);
  }

  row(of = one): NonNullable<ReturnType<Storage['actors']['load']>> {
    const record = this.storage.actors.load(of);
    if (record === undefined) throw new Error(`no actor ${of.id}`);
    return record;
  }

  context(of = one): Record<string, unknown> {
    return this.row(of).snapshot.context as Record<string, unknown>;
  }

  /** Types of the events of an actor, in order. */
  history(of = one): string[] {
    return this.storage.history.events(of).map(({ event }) => event.type);
  }
}

/** Until all promises that can settle have. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
