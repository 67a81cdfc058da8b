/** Machines as data, for those who draw them. */
import type { ActorAddress, ActorKind, EventRecord } from './records.js';

export interface GraphState {
  readonly name: string;
  /** The state in words. */
  readonly description: string;
  /** Nothing happens in it by itself. */
  readonly is_settled: boolean;
  readonly is_initial: boolean;
}

export interface GraphTransition {
  /** `from` and `to` are the same for one that stays. */
  readonly from: string;
  readonly to: string;
  /** Type of the event; that of a timer is `after <name>`. */
  readonly event: string;
  /** Names of its guards, joined by ` and `; empty if it has none. */
  readonly guard: string;
  /** It holds in every state that does not say otherwise. */
  readonly is_common: boolean;
}

export interface MachineGraph {
  readonly kind: ActorKind;
  readonly version: number;
  /** In the order of the definition. */
  readonly states: readonly GraphState[];
  readonly transitions: readonly GraphTransition[];
}

/** A way from one state to another that an actor took. */
export interface PathStep {
  readonly from: string;
  readonly to: string;
  /** Type of the event, as in `GraphTransition`. */
  readonly event: string;
  readonly count: number;
  /** Of the newest time. */
  readonly seq: number;
}

export interface DiagramReport extends ActorAddress {
  readonly graph: MachineGraph;
  /** The state it is in; `parked_reason` says whether it is parked there. */
  readonly state: string;
  readonly parked_reason: string;
  /** How often it came into each state, in the order in which it came there first. */
  readonly visits: Readonly<Record<string, number>>;
  readonly path: readonly PathStep[];
}

/** One step of an actor: its event, with all that can be known of it afterwards. */
export interface InspectedStep extends Omit<EventRecord, 'kind' | 'id' | 'event_id' | 'digest'> {
  /** After the step; null where a machine of another version did it. */
  readonly context: unknown;
  readonly changes: readonly ContextChange[];
}

export interface ContextChange {
  /** Names of fields, joined by dots. */
  readonly path: string;
  /** Undefined values are left out: the field was not there. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Where a history is not what its machine does. */
export interface Departure {
  readonly seq: number;
  readonly reason: string;
}

export interface StepsReport extends ActorAddress {
  /** How many older ones are left out. */
  readonly omitted: number;
  readonly steps: readonly InspectedStep[];
  /** The first event at which doing it again gives something else than was written down; null: none. */
  readonly departure: Departure | null;
  /** Why the context after some steps is not known, so that they could not be done again; empty if all could. */
  readonly not_folded: string;
}
