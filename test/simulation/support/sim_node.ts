import { machines } from '../../../src/actors/machines.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { EffectRecord, PlainEvent } from '../../../src/core/records.js';
import type { Commit, EffectHandler, EffectTools, RuntimeStorage } from '../../../src/runtime/ports.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import type { SimClock } from './sim_clock.js';

/** One life of a node, from start to crash. What belongs to a life does nothing after its end. */
export class Life {
  is_over = false;
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(delay_ms: number, work: () => void): () => void {
    return this.#clock.after(delay_ms, () => {
      if (!this.is_over) work();
    });
  }

  /** Ends early when `signal` is aborted; never returns to a process that has died. */
  async sleep(delay_ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => reject(signal.reason as Error);
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.after(delay_ms, () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}

export type Tell = EffectTools['tell'];

export type SimHandler = (
  effect: EffectRecord,
  life: Life,
  signal: AbortSignal,
  tell: Tell,
) => Promise<PlainEvent>;

export interface SimNodeOptions {
  readonly name: string;
  readonly clock: SimClock;
  readonly handlers: Readonly<Record<string, SimHandler>>;
  readonly onCommit: (node: SimNode, commit: Commit) => void;
  readonly onStart: (node: SimNode) => void;
  readonly onCrash: (node: SimNode) => void;
}

/** A node whose process can die at any moment; its database stays. */
export class SimNode {
  readonly name: string;
  readonly storage = Storage.open(':memory:');
  crashes = 0;
  readonly #options: SimNodeOptions;
  #life: Life | undefined;
  #runtime: Runtime | undefined;

  constructor(options: SimNodeOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get life(): Life | undefined {
    return this.#life;
  }

  /** Undefined while the process is dead. */
  get runtime(): Runtime | undefined {
    return this.#runtime;
  }

  start(): void {
    const life = new Life(this.#options.clock);
    this.#life = life;
    const runtime = new Runtime({
      storage: this.#storageOf(life),
      machines,
      clock: life,
      handlers: this.#handlersOf(life),
      onFatal: (error) => {
        if (!life.is_over) throw error;
      },
    });
    this.#runtime = runtime;
    runtime.subscribe((commit) => this.#options.onCommit(this, commit));
    runtime.start();
    this.#options.onStart(this);
  }

  crash(): void {
    if (this.#life === undefined) return;
    this.#life.is_over = true;
    this.#life = undefined;
    this.#runtime = undefined;
    this.crashes += 1;
    this.#options.onCrash(this);
  }

  /** A process that has died writes nothing, whatever its promises still do. */
  #storageOf(life: Life): RuntimeStorage {
    const { actors, history, timers, messages, node } = this.storage;
    const transaction = <T>(work: () => T): T => {
      if (life.is_over) throw new IcbdError('Internal', 'a dead process writes', { operation: 'simulate' });
      return this.storage.transaction(work);
    };
    return { transaction, actors, history, timers, messages, node };
  }

  #handlersOf(life: Life): Record<string, EffectHandler> {
    return Object.fromEntries(
      Object.entries(this.#options.handlers).map(([kind, handler]) => [
        kind,
        async (effect: EffectRecord, { signal, tell }: EffectTools) => {
          const event = await handler(effect, life, signal, tell);
          if (life.is_over) await new Promise(() => {});
          return event;
        },
      ]),
    );
  }
}
