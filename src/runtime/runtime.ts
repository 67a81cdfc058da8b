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
import { Committer, type Delivery } from './committer.js';
import { type EffectReport, EffectRunner } from './effect_runner.js';
import type { Commit, EffectHandler, RuntimeStorage } from './ports.js';
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
  readonly #subscribers = new Set<(commit: Commit) => void>();
  /** Commits that the subscribers have not all heard of. */
  readonly #untold: Commit[] = [];
  readonly #waiters = new Map<string, (end: EffectEnd) => void>();
  #epoch = 0;
  #is_telling = false;
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
    for (const to of storage.actors.unsettled()) this.#wake(to);
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
   * Delivers a message of another node, once however often it comes.
   * @param instance of the sender's state database
   * @returns the commit; undefined if the message was seen before
   */
  receive(node: string, instance: string, message: OutgoingMessage): Commit | undefined {
    const { storage } = this.#options;
    const delivery: Delivery = {
      to: message.to,
      event: { ...message.event, from: node },
      cause: { kind: 'peer', node, message: message.id },
      create: message.create,
    };
    return this.#commitIf(() => storage.messages.see(instance, message.id), [delivery]);
  }

  /** Called after every commit, in order: also when a subscriber delivers. It must not throw. */
  subscribe(subscriber: (commit: Commit) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Resolves when the effect has reported or was stopped. To be called in the turn of its commit. */
  effectEnd(effect_id: string): Promise<EffectEnd> {
    return new Promise((resolve) => this.#waiters.set(effect_id, resolve));
  }

  /** Takes no more events, stops all effects, and waits for their handlers. */
  async close(): Promise<void> {
    this.#is_closed = true;
    this.#timers.close();
    await this.#effects.close();
    for (const resolve of this.#waiters.values()) resolve({ status: 'stopped' });
    this.#waiters.clear();
  }

  #wake(to: ActorAddress): void {
    const { storage } = this.#options;
    // The first event of an epoch brings `restarted` with it; an actor that another one woke needs none.
    const record = storage.actors.load(to);
    if (record === undefined || record.epoch === this.#epoch) return;
    this.#commit([{ to, cause: { kind: 'daemon', what: 'start' } }]);
  }

  #commit(deliveries: readonly Delivery[]): Commit {
    return this.#commitIf(() => true, deliveries) as Commit;
  }

  /** @param holds asked inside of the transaction; false: nothing is delivered, and undefined returned */
  #commitIf(holds: () => boolean, deliveries: readonly Delivery[]): Commit | undefined {
    if (this.#is_closed) {
      throw new IcbdError('NotAllowedNow', 'the daemon is stopping', { operation: 'deliver' });
    }
    const { storage, machines, clock } = this.#options;
    const commit = storage.transaction(() => {
      if (!holds()) return undefined;
      return new Committer(storage, machines, this.#epoch, clock.now()).run(deliveries);
    });
    if (commit !== undefined) this.#act(commit);
    return commit;
  }

  /** What comes after the commit. */
  #act(commit: Commit): void {
    for (const effect_id of commit.stopped) {
      this.#effects.stop(effect_id);
      this.#settle(effect_id, { status: 'stopped' });
    }
    for (const effect of commit.effects) this.#effects.start(effect);
    this.#timers.arm();
    this.#untold.push(commit);
    this.#tellSubscribers();
  }

  #tellSubscribers(): void {
    if (this.#is_telling) return;
    this.#is_telling = true;
    try {
      for (let commit = this.#untold.shift(); commit !== undefined; commit = this.#untold.shift()) {
        const told = commit;
        for (const subscriber of this.#subscribers) this.#guarded('tell commit', () => subscriber(told));
      }
    } finally {
      this.#is_telling = false;
    }
  }

  /** An effect reports. Only the one that still runs in this epoch is heard. */
  #take({ effect, status, event, error }: EffectReport): void {
    this.#guarded(effect.kind, () => {
      const { storage, clock } = this.#options;
      const isHeard = (): boolean =>
        effect.epoch === this.#epoch && storage.history.endEffect(effect.id, status, clock.now(), error);
      const cause = { kind: 'effect', effect: effect.id } as const;
      const delivery = { to: effect.actor, event: { ...event, effect: effect.id }, cause };
      if (this.#commitIf(isHeard, [delivery]) !== undefined) this.#settle(effect.id, { status, event });
    });
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
    for (const timer of storage.timers.due(clock.now())) this.#fire(timer);
  }

  #fire(timer: TimerRecord): void {
    const { storage } = this.#options;
    const delivery: Delivery = {
      to: timer.actor,
      event: timer.event,
      cause: { kind: 'timer', timer: timer.id },
    };
    // One that fired just before may have cancelled it.
    this.#commitIf(() => storage.timers.cancel(timer.actor, timer.id), [delivery]);
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
