import type { Logger } from 'pino';
import { type MachineDefinitions, machines } from '../../actors/machines.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ActorKind } from '../../core/records.js';
import type { Storage } from '../../storage/storage.js';
import type { MasterConfig } from '../config/master_config.js';
import type { StateBase } from '../node_base.js';
import { system_clock } from '../system_clock.js';
import { compact } from './compact.js';

/** Time until the first round, and between two, ms. */
const first_after_ms = 30_000;
const interval_ms = 3_600_000;
/** Actors in one transaction: other commits wait for so many. */
const batch_size = 50;
/** An actor with fewer old events than this is left as it is. */
const old_events_min = 100;

const with_end: readonly ActorKind[] = ['transfer', 'reception'];
const without_end: readonly ActorKind[] = ['image', 'replica'];

export interface PrunerOptions {
  readonly storage: Storage;
  readonly machines: MachineDefinitions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Age at which a completed or cancelled transfer goes, ms; null: never. */
  readonly keep_settled_ms: number | null;
  /** Age at which events of images and replicas become one, ms; null: never. */
  readonly keep_events_ms: number | null;
}

/** The pruner of a node, as its config wants it. */
export function startPruner(
  { storage, log }: Pick<StateBase, 'storage' | 'log'>,
  { keep_settled, keep_events }: MasterConfig['history'],
): Pruner {
  return new Pruner({
    storage,
    machines,
    clock: system_clock,
    log,
    keep_settled_ms: keep_settled,
    keep_events_ms: keep_events,
  });
}

/** What one round took away. */
export interface Pruned {
  /** Transfers, on a replica receptions. */
  readonly transfers: number;
  readonly events: number;
}

/** Keeps the database from growing for ever. What failed or is parked stays until somebody acts. */
export class Pruner {
  readonly #options: PrunerOptions;
  #cancel: () => void;
  #is_closed = false;

  constructor(options: PrunerOptions) {
    this.#options = options;
    this.#cancel = this.#wait(first_after_ms);
  }

  /** One round, in small transactions with room for others in between. */
  async prune(): Promise<Pruned> {
    const { storage, machines, clock, keep_settled_ms, keep_events_ms } = this.#options;
    let transfers = 0;
    let events = 0;
    if (keep_settled_ms !== null) {
      const before_ms = clock.now() - keep_settled_ms;
      for (const kind of with_end) transfers += await this.#deleteEnded(kind, before_ms);
    }
    if (keep_events_ms !== null) {
      const before_ms = clock.now() - keep_events_ms;
      for (const kind of without_end) {
        for (const address of storage.pruning.withOldEvents(kind, before_ms, old_events_min)) {
          if (this.#is_closed) break;
          events += storage.transaction(() => compact(storage, machines, address, before_ms));
          await this.#breathe();
        }
      }
    }
    return { transfers, events };
  }

  close(): void {
    this.#is_closed = true;
    this.#cancel();
  }

  async #deleteEnded(kind: ActorKind, before_ms: number): Promise<number> {
    const { storage } = this.#options;
    let deleted = 0;
    while (!this.#is_closed) {
      const count = storage.transaction(() => {
        const ended = storage.pruning.ended(kind, before_ms, batch_size);
        for (const address of ended) storage.pruning.delete(address);
        return ended.length;
      });
      deleted += count;
      if (count < batch_size) break;
      await this.#breathe();
    }
    return deleted;
  }

  /** Lets everything else have its turn. */
  #breathe(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(1, resolve));
  }

  #wait(delay_ms: number): () => void {
    return this.#options.clock.after(delay_ms, () => {
      this.#cancel = this.#wait(interval_ms);
      void this.#round();
    });
  }

  async #round(): Promise<void> {
    const { log } = this.#options;
    try {
      const pruned = await this.prune();
      if (pruned.transfers + pruned.events > 0) log.info(pruned, 'old history pruned');
    } catch (error) {
      // A full disk is told by the storage itself.
      log.warn({ err: IcbdError.from(error, 'prune') }, 'old history could not be pruned');
    }
  }
}
