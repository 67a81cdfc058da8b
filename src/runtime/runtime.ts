import type { MachineDefinitions } from '../actors/machines.js';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import type {
  ActorAddress,
  EffectRecord,
  EventCause,
  OutgoingMessage,
  PlainEvent,
  TimerRecord,
} from '../core/records.js';
import { Arrivals, type Batch, batches_max } from './arrivals.js';
import { Committer } from './committer.js';
import type { Delivery } from './delivery.js';
import { type EffectReport, EffectRunner } from './effect_runner.js';
import type { Commit, EffectHandler, RuntimeStorage } from './ports.js';
import { Subscribers } from './subscribers.js';
import { TimerQueue } from './timer_queue.js';

export interface RuntimeOptions {
  readonly storage: RuntimeStorage;
  readonly machines: MachineDefinitions;
  readonly clock: Clock;
  /** By effect kind. */
  readonly handlers: Readonly<Record<string, EffectHandler>>;
  /** Called when a commit that nobody waits for failed; the node cannot go on. */
  readonly onFatal: (error: IcbdError) => void;
}

/** An effect's end, for who waits for it. */
export type EffectEnd =
  | { readonly status: 'done' | 'failed'; readonly event: PlainEvent }
  | { readonly status: 'stopped' };

/**
 * The one write path. Everything that happens to an actor goes through here: in one transaction the event, the
 * new snapshot, and the effects, timers and messages it asks for become rows; only then does the world hear.
 */
export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #effects: EffectRunner;
  readonly #timers: TimerQueue;
  /** What effects have reported and peers have sent in this turn. */
  readonly #arrivals = new Arrivals((batches) => this.#commitAll(batches).held);
  readonly #subscribers = new Subscribers((tell) => this.#guarded('tell commit', tell));
  readonly #waiters = new Map<string, (end: EffectEnd) => void>();
  #epoch = 0;
  #is_closed = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#effects = new EffectRunner(
      options.handlers,
      (report) => this.#take(report),
      (effect, event) => this.#hear(effect, event),
    );
    this.#timers = new TimerQueue(
      options.clock,
      () => options.storage.timers.next(),
      () => this.#guarded('timers', () => this.#fireTimers()),
    );
  }

  /** Number of this start of the node, from 1; 0 before `start`. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Begins a new epoch: what ran in the last one is lost, and every actor that is not settled is told, in the
   * order they were made. A settled one is told before its next event, if there ever is one.
   */
  start(): void {
    const { storage, clock } = this.#options;
    this.#epoch = storage.transaction(() => {
      const epoch = Number(storage.node.meta('epoch') ?? '0') + 1;
      storage.node.setMeta('epoch', String(epoch));
      storage.history.loseEffects(epoch, clock.now());
      return epoch;
    });
    const unsettled = storage.actors.unsettled();
    for (let index = 0; index < unsettled.length; index += batches_max) {
      this.#commitAll(unsettled.slice(index, index + batches_max).map((to) => this.#wakeOf(to)));
    }
    this.#timers.arm();
  }

  /**
   * Delivers one event to one actor.
   * @param create input to make the actor with if there is none of this address
   * @throws whatever the storage throws; then nothing happened
   */
  deliver(to: ActorAddress, event: PlainEvent, cause: EventCause, create?: unknown): Commit {
    return this.#commit([{ to, event, cause, create }]);
  }

  /** Makes an actor if there is none of this address. */
  create(to: ActorAddress, input: unknown, cause: EventCause): Commit {
    return this.#commit([{ to, create: input, cause }]);
  }

  /**
   * Lets a parked actor go on, and then delivers `event` to it. One that is not parked only gets the event.
   * @param fields for the event by which it goes on
   * @throws whatever the storage throws; then nothing happened
   */
  unpark(
    to: ActorAddress,
    cause: EventCause,
    fields: Readonly<Record<string, unknown>> = {},
    event?: PlainEvent,
  ): Commit {
    return this.#commit([{ to, cause, unpark: fields, ...(event === undefined ? {} : { event }) }]);
  }

  /**
   * Delivers a message of another node, once however often it comes, with what else comes at that time.
   * @param instance of the sender's state database
   * @returns resolves when it is committed, with whether it was not seen before; rejects with what the storage throws
   */
  receive(node: string, instance: string, message: OutgoingMessage): Promise<boolean> {
    this.#assertOpen();
    return new Promise((resolve, reject) => {
      const batch = this.#batchOf(node, instance, message);
      this.#arrivals.add({ batch, onCommitted: resolve, onFailed: reject }, 'soon');
    });
  }

  /** Called after every commit, in order: also when a subscriber delivers. It must not throw. */
  subscribe(subscriber: (commit: Commit) => void): () => void {
    return this.#subscribers.add(subscriber);
  }

  /** Resolves when the effect has reported or was stopped. To be called in the turn of its commit. */
  effectEnd(effect_id: string): Promise<EffectEnd> {
    return new Promise((resolve) => this.#waiters.set(effect_id, resolve));
  }

  /** Takes no more events, stops all effects, and waits for their handlers. */
  async close(): Promise<void> {
    this.#arrivals.flush();
    this.#is_closed = true;
    this.#timers.close();
    await this.#effects.close();
    for (const resolve of this.#waiters.values()) resolve({ status: 'stopped' });
    this.#waiters.clear();
  }

  #assertOpen(): void {
    if (!this.#is_closed) return;
    throw new IcbdError('NotAllowedNow', 'the daemon is stopping', { operation: 'deliver' });
  }

  #batchOf(node: string, instance: string, message: OutgoingMessage): Batch {
    const delivery: Delivery = {
      to: message.to,
      event: { ...message.event, from: node },
      cause: { kind: 'peer', node, message: message.id },
      create: message.create,
    };
    return {
      holds: () => this.#options.storage.messages.see(instance, message.id),
      deliveries: [delivery],
    };
  }

  #wakeOf(to: ActorAddress): Batch {
    const holds = (): boolean => {
      // The first event of an epoch brings `restarted` with it; an actor that another one woke needs none.
      const record = this.#options.storage.actors.load(to);
      return record !== undefined && record.epoch !== this.#epoch;
    };
    return { holds, deliveries: [{ to, cause: { kind: 'daemon', what: 'start' } }] };
  }

  #commit(deliveries: readonly Delivery[]): Commit {
    return this.#commitIf(() => true, deliveries) as Commit;
  }

  /** @param holds asked inside of the transaction; false: nothing is delivered, and undefined returned */
  #commitIf(holds: () => boolean, deliveries: readonly Delivery[]): Commit | undefined {
    // What came before goes before.
    this.#arrivals.flush();
    return this.#commitAll([{ holds, deliveries }]).commit;
  }

  /** All in one transaction, which is one commit; undefined if nothing of it holds. */
  #commitAll(batches: readonly Batch[]): { commit: Commit | undefined; held: readonly boolean[] } {
    this.#assertOpen();
    const { storage, machines, clock } = this.#options;
    const done = storage.transaction(() => {
      const committer = new Committer(storage, machines, this.#epoch, clock.now());
      const held = batches.map(({ holds, deliveries }) => {
        const is_held = holds();
        if (is_held) committer.run(deliveries);
        return is_held;
      });
      return { commit: held.includes(true) ? committer.commit() : undefined, held };
    });
    if (done.commit !== undefined) this.#act(done.commit);
    return done;
  }

  /** What comes after the commit. */
  #act(commit: Commit): void {
    for (const effect_id of commit.stopped) {
      this.#effects.stop(effect_id);
      this.#settle(effect_id, { status: 'stopped' });
    }
    for (const effect of commit.effects) this.#effects.start(effect);
    this.#timers.arm();
    this.#subscribers.tell(commit);
  }

  /** An effect reports. Only the one that still runs in this epoch is heard. */
  #take({ effect, status, event, error }: EffectReport): void {
    if (this.#is_closed) return;
    const { storage, clock } = this.#options;
    const cause = { kind: 'effect', effect: effect.id } as const;
    const batch: Batch = {
      holds: () =>
        effect.epoch === this.#epoch && storage.history.endEffect(effect.id, status, clock.now(), error),
      deliveries: [{ to: effect.actor, event: { ...event, effect: effect.id }, cause }],
    };
    const onCommitted = (was_held: boolean): void => {
      if (was_held) this.#settle(effect.id, { status, event });
    };
    const onFailed = (thrown: unknown): void => this.#options.onFatal(IcbdError.from(thrown, effect.kind));
    this.#arrivals.add({ batch, onCommitted, onFailed }, 'now');
  }

  /** An effect says something and goes on. As with its report, only one that still runs in this epoch is heard. */
  #hear(effect: EffectRecord, event: PlainEvent): boolean {
    const { storage, onFatal } = this.#options;
    if (this.#is_closed) return false;
    const isHeard = (): boolean =>
      effect.epoch === this.#epoch && storage.history.effect(effect.id)?.status === 'running';
    const cause = { kind: 'effect', effect: effect.id } as const;
    const delivery = { to: effect.actor, event: { ...event, effect: effect.id }, cause };
    try {
      return this.#commitIf(isHeard, [delivery]) !== undefined;
    } catch (thrown) {
      const error = IcbdError.from(thrown, effect.kind);
      onFatal(error);
      throw error;
    }
  }

  #settle(effect_id: string, end: EffectEnd): void {
    this.#waiters.get(effect_id)?.(end);
    this.#waiters.delete(effect_id);
  }

  #fireTimers(): void {
    const { storage, clock } = this.#options;
    this.#arrivals.flush();
    const due = storage.timers.due(clock.now());
    if (due.length > 0) this.#commitAll(due.map((timer) => this.#firingOf(timer)));
  }

  #firingOf(timer: TimerRecord): Batch {
    const { storage } = this.#options;
    const cause = { kind: 'timer', timer: timer.id } as const;
    return {
      // One that fires just before may cancel it, or set it anew.
      holds: () => storage.timers.take(timer),
      deliveries: [{ to: timer.actor, event: timer.event, cause }],
    };
  }

  #guarded(operation: string, work: () => void): void {
    if (this.#is_closed) return;
    try {
      work();
    } catch (error) {
      this.#options.onFatal(IcbdError.from(error, operation));
    }
  }
}
