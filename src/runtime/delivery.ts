import type { ActorAddress, EventCause, PlainEvent } from '../core/records.js';

/** An event on its way to an actor. */
export interface Delivery {
  readonly to: ActorAddress;
  /** Absent: the delivery only makes or wakes the actor. */
  readonly event?: PlainEvent;
  readonly cause: EventCause;
  /** Input to make the actor with if there is none of this address. */
  readonly create?: unknown;
  /** If the actor is parked, it goes on first, and the event by which it does carries these fields. */
  readonly unpark?: Readonly<Record<string, unknown>>;
}
