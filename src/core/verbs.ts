/** What an operator can do with a transfer that is there. */
import type { Codec } from './codecs.js';
import type { ActorAddress } from './records.js';

export const verb_names = ['pause', 'resume', 'retry-now', 'cancel', 'redrive'] as const;

/** `fork` makes another transfer, which is possible in every state. */
export type Verb = (typeof verb_names)[number] | 'fork';

export interface VerbReport {
  readonly verb: Verb;
  /** Whether it does something in the state of now. */
  readonly is_allowed: boolean;
  /** Why it is refused, or does nothing; empty if it is allowed. */
  readonly reason: string;
}

export interface RedriveRequest {
  /** Throws away what the replica has of it; default: go on at the last checkpoint, if there is one. */
  readonly from_start?: boolean;
}

/** Which transfers to run again. All given conditions must hold. */
export interface BulkRedriveRequest {
  /** Default: `failed`. Only states that can be redriven: `failed`, `cancelled`, `parked`. */
  readonly states?: readonly string[];
  readonly image?: string;
  readonly replica?: string;
  /** Unix ms; only those that came into their state at or after it. */
  readonly since_ms?: number;
  readonly from_start?: boolean;
  /** So many begin in a minute, evenly spread; default 60. */
  readonly per_minute?: number;
  /** Says what would be done, and does nothing. */
  readonly dry_run?: boolean;
}

export interface RedriveReport {
  readonly transfer: string;
  readonly image: string;
  readonly number: string;
  readonly replica: string;
  /** Before. */
  readonly state: string;
  /** When it begins, unix ms. */
  readonly starts_at_ms: number;
  /** `redriven`, `would be redriven` (a dry run), or `refused`. */
  readonly result: 'redriven' | 'would be redriven' | 'refused';
  /** Why it was refused, or what it goes on with. */
  readonly reason: string;
}

export interface ForkRequest {
  /** The event of the old transfer whose plan is taken; default: its last. */
  readonly at_seq?: number;
  readonly codec?: Codec;
  /**
   * Number of the parent, `none` for a full stream, `auto` to choose anew. Default: as in the plan of that step; `auto`
   * to another replica, or if there was no plan yet.
   */
  readonly parent?: string;
  /** Name or number of another replica. */
  readonly to?: string;
  readonly ssh?: boolean;
}

/** An actor that was let go on. */
export interface UnparkReport extends ActorAddress {
  readonly state: string;
  readonly state_description: string;
}
