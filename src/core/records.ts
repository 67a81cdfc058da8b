/** What the runtime keeps, row by row. Storage fills these; the control API and the pages read them. */
import type { ErrorReport } from './errors.js';

export type ActorKind = 'image' | 'replica' | 'transfer' | 'reception';

export interface ActorAddress {
  readonly kind: ActorKind;
  readonly id: string;
}

/** `running`: takes events. `parked`: takes none until an operator acts; the reason is kept. */
export type ActorStatus = 'running' | 'parked';

/** What lists are filtered by; each actor's machine says its own. */
export interface ActorLabels {
  readonly image?: string;
  readonly replica?: string;
  readonly snapshot?: string;
}

/** A machine's state and context: all that is needed to go on. */
export interface MachineSnapshot {
  /** xstate's state value: a name, or nested names. */
  readonly value: unknown;
  readonly context: unknown;
}

export interface ActorRecord extends ActorAddress {
  readonly machine_version: number;
  readonly status: ActorStatus;
  /** Why it is parked; empty if it runs. */
  readonly parked_reason: string;
  readonly snapshot: MachineSnapshot;
  /** Name of the current state, for lists. */
  readonly state: string;
  /** Nothing will happen any more unless an operator asks. */
  readonly settled: boolean;
  readonly labels: ActorLabels;
  /** Sequence number of its last event. */
  readonly seq: number;
  /** Epoch of its last event. */
  readonly epoch: number;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

/** What made an event happen. */
export type EventCause =
  | { readonly kind: 'operator'; readonly who: string }
  | { readonly kind: 'peer'; readonly node: string; readonly message: number }
  | { readonly kind: 'timer'; readonly timer: string }
  | { readonly kind: 'effect'; readonly effect: string }
  | { readonly kind: 'actor'; readonly actor: string; readonly seq: number }
  | { readonly kind: 'daemon'; readonly what: string };

/** An event as machines see it: plain JSON with its type and time. */
export interface PlainEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A question that a machine asked itself about an event. */
export interface GuardResult {
  readonly guard: string;
  readonly passed: boolean;
}

/** What a machine asked for with one event, in short: the ids lead to the rows. Actors are written `kind/id`. */
export type IntentRecord =
  | { readonly type: 'effect'; readonly effect: string; readonly kind: string }
  | { readonly type: 'stop'; readonly kind: string; readonly effects: readonly string[] }
  | { readonly type: 'tell'; readonly to: string; readonly event: string }
  | { readonly type: 'spawn'; readonly actor: string }
  | {
      readonly type: 'message';
      readonly message: number;
      readonly peer: string;
      readonly to: string;
      readonly event: string;
    }
  | { readonly type: 'timer'; readonly timer: string; readonly due_at_ms: number }
  | { readonly type: 'cancel_timer'; readonly timer: string };

export interface EventRecord extends ActorAddress {
  /** Grows with each event of this node, whichever actor it is of. */
  readonly event_id: number;
  /** Grows by one with each event of the actor. */
  readonly seq: number;
  readonly at_ms: number;
  readonly epoch: number;
  readonly machine_version: number;
  readonly event: PlainEvent;
  readonly cause: EventCause;
  /** Empty if the event made the actor. */
  readonly state_before: string;
  /** State after the event. */
  readonly state: string;
  /** Of a transfer or a reception, after the event; 0: none has begun, or the actor has none. */
  readonly attempt: number;
  /** Whether the machine did anything with it. */
  readonly handled: boolean;
  /** Why the machine did nothing with it; empty if it did. */
  readonly ignored_reason: string;
  /** In the order in which they were asked. */
  readonly guards: readonly GuardResult[];
  readonly intents: readonly IntentRecord[];
  /** Of the snapshot after the event: see `digestOf`. Empty in events that an older release wrote. */
  readonly digest: string;
}

/**
 * `running`: committed, and its handler works, or is about to. `done`/`failed`: it reported back.
 * `stopped`: its actor no longer wants it. `lost`: the daemon ended while it ran.
 */
export type EffectStatus = 'running' | 'done' | 'failed' | 'stopped' | 'lost';

export interface EffectRecord {
  /** `kind/actor:seq:index`. */
  readonly id: string;
  readonly actor: ActorAddress;
  readonly seq: number;
  readonly kind: string;
  readonly params: unknown;
  readonly status: EffectStatus;
  readonly epoch: number;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly error: ErrorReport | null;
}

export interface TimerRecord {
  readonly actor: ActorAddress;
  readonly id: string;
  readonly event: PlainEvent;
  readonly due_at_ms: number;
}

/** A message for an actor on another node, kept until that node has acknowledged it. */
export interface OutgoingMessage {
  /** Grows by each message of this node. */
  readonly id: number;
  readonly peer: string;
  readonly to: ActorAddress;
  /** Input to create the actor with if the peer has none of this address; null: never created. */
  readonly create: unknown;
  readonly event: PlainEvent;
}

/** Where a running transfer or reception stands; overwritten, not appended. */
export interface ProgressRecord {
  readonly actor: ActorAddress;
  readonly attempt: number;
  /** Uncompressed bytes of the stream so far. */
  readonly stream_bytes: number;
  /** Bytes on the link so far. */
  readonly link_bytes: number;
  /** Expected uncompressed bytes; null while unknown. */
  readonly total_bytes: number | null;
  /** Uncompressed bytes per second over the last seconds. */
  readonly rate_bytes_per_s: number;
  /** Bytes of the stream that the replica has taken out of the link; what it took last may not be on its disk. */
  readonly taken_bytes: number;
  /** Bytes of the stream that are on the replica's disk, whatever happens; null: it has not said. */
  readonly checkpoint_bytes: number | null;
  /** When it said so last, unix ms. */
  readonly checkpoint_at_ms: number | null;
  readonly started_at_ms: number;
  readonly at_ms: number;
}
