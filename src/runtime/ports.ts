/** What the runtime needs from others. Storage, the links and the daemon's effect handlers fit these. */
import type { ErrorReport } from '../core/errors.js';
import type {
  ActorAddress,
  ActorRecord,
  EffectRecord,
  EventRecord,
  OutgoingMessage,
  PlainEvent,
  TimerRecord,
} from '../core/records.js';

/** The durable rows. Every method but `transaction` is called inside of one. */
export interface RuntimeStorage {
  /** Runs `work`; all of its changes are durable when this returns, or, when `work` throws, none is. */
  transaction<T>(work: () => T): T;
  readonly actors: {
    load(address: ActorAddress): ActorRecord | undefined;
    save(record: ActorRecord): void;
    unsettled(): ActorAddress[];
  };
  readonly history: {
    /** @returns the event with its id */
    append(record: Omit<EventRecord, 'event_id'>): EventRecord;
    events(address: ActorAddress): EventRecord[];
    insertEffect(effect: EffectRecord): void;
    effect(effect_id: string): EffectRecord | undefined;
    effects(address: ActorAddress): EffectRecord[];
    endEffect(
      effect_id: string,
      status: 'done' | 'failed',
      at_ms: number,
      error: ErrorReport | null,
    ): boolean;
    stopEffects(address: ActorAddress, effect: string, at_ms: number): string[];
    loseEffects(epoch: number, at_ms: number): number;
  };
  readonly timers: {
    set(timer: TimerRecord): void;
    /** @returns whether there was one */
    cancel(address: ActorAddress, timer: string): boolean;
    take(timer: TimerRecord): boolean;
    ofActor(address: ActorAddress): TimerRecord[];
    due(now_ms: number): TimerRecord[];
    next(): number | undefined;
  };
  readonly messages: {
    put(message: Omit<OutgoingMessage, 'id'>, at_ms: number): OutgoingMessage;
    see(instance: string, message_id: number): boolean;
  };
  readonly node: {
    meta(key: string): string | undefined;
    setMeta(key: string, value: string): void;
  };
}

export interface EffectTools {
  /** Aborted when the actor no longer wants the effect, or the daemon stops. */
  readonly signal: AbortSignal;
  /**
   * Tells the actor of something that happened while the effect goes on; it is committed when this returns.
   * @param event its type starts with `<kind>.`
   * @returns false if nobody heard it, because the effect is not wanted any more
   * @throws IcbdError if it could not be committed; the node cannot go on then
   */
  readonly tell: (event: PlainEvent) => boolean;
}

/**
 * Does one effect. It may run twice (after a crash, the actor starts it again), so it must be idempotent.
 * @returns the event to report with; its type is `<kind>.done`, or another that starts with `<kind>.`
 * @throws anything: reported as `<kind>.failed` with an ErrorReport
 */
export type EffectHandler = (effect: EffectRecord, tools: EffectTools) => Promise<PlainEvent>;

/** What one commit did; told to subscribers after it is durable. */
export interface Commit {
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
  /** Ids of the effects that were stopped. */
  readonly stopped: readonly string[];
  readonly messages: readonly OutgoingMessage[];
  /** Actors that were parked by it. */
  readonly parked: readonly ActorRecord[];
}
