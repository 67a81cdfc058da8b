/**
 * What machines ask for. An intent is data: the runtime commits it as a row together with the event that
 * caused it, and acts on it only then.
 */
import type { ActorAddress, PlainEvent } from '../core/records.js';

/** Do something in the world; reports back with `<kind>.done` or `<kind>.failed`. */
export interface EffectIntent {
  readonly kind: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Stop the running effects of this actor that are of this kind; what they report later is dropped. */
export interface StopIntent {
  readonly kind: string;
}

/** An event for another actor on this node, delivered in the same commit. */
export interface TellIntent {
  readonly to: ActorAddress;
  readonly event: PlainEvent;
}

/** A new actor on this node, made in the same commit. One that exists stays as it is. */
export interface SpawnIntent extends ActorAddress {
  readonly input: unknown;
}

/** An event for an actor on another node, by way of the outbox. */
export interface MessageIntent {
  readonly peer: string;
  readonly to: ActorAddress;
  readonly create?: unknown;
  readonly event: PlainEvent;
}

export type Several<T> = T | readonly T[];

/**
 * The actions a machine may name, as `setup({ actions: intents })` takes them. They do nothing by themselves:
 * the runtime reads their type and params from what `transition` returns.
 */
export const intents = {
  effect: (_: unknown, _params: Several<EffectIntent>): void => {},
  stop: (_: unknown, _params: StopIntent): void => {},
  tell: (_: unknown, _params: Several<TellIntent>): void => {},
  spawn: (_: unknown, _params: Several<SpawnIntent>): void => {},
  message: (_: unknown, _params: MessageIntent): void => {},
};

/** Events that the runtime itself gives to every actor. */
export type RuntimeEvent = {
  /** The first event of an actor in each epoch after the one it was made in. */
  readonly type: 'restarted';
  readonly epoch: number;
} & Timed;

/** Every event carries the time of its delivery, unix ms: machines have no clock. */
export interface Timed {
  readonly at_ms: number;
}
