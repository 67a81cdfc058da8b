/** What a transfer actor knows and hears. */
import type { Codec, StreamVersion } from '../core/codecs.js';
import type { ErrorReport } from '../core/errors.js';
import type { ForkOrigin } from '../core/report.js';
import type { Timed } from './intents.js';

export interface TransferInput {
  readonly id: string;
  readonly image: string;
  readonly number: string;
  /** Name of the replica node. */
  readonly replica: string;
  /** Asked for by the operator or the image; null: what the config says. */
  readonly codec: Codec | null;
  /** Whether the stream is to go through the ssh tunnel of the replica. */
  readonly ssh: boolean;
  /** Failures in a row before it ends as failed. */
  readonly failures_max: number;
  /** Number of the parent to send it from, `none` for a full stream, `auto` for the best one of each attempt. */
  readonly parent: string;
  /** Null: the newest that both nodes speak, as the config says. */
  readonly stream_version: StreamVersion | null;
  /** The transfer that it was made from; null: none. */
  readonly forked_from: ForkOrigin | null;
}

/** How one attempt is done; made by the `plan` effect. */
export interface AttemptPlan {
  /** Identity of the snapshot: the received_uuid that its copy will have. */
  readonly uuid: string;
  readonly parent: { readonly number: string; readonly uuid: string } | null;
  /** Why this parent, or why none, in words. */
  readonly reason: string;
  readonly codec: Codec;
  readonly stream_version: StreamVersion;
}

export interface TransferContext extends TransferInput {
  /** Runs so far; 0 before the first. */
  readonly attempt: number;
  /** Failures since the last progress; link losses, restarts and a full disk are not counted. */
  readonly failures: number;
  /** Rests since the last progress, whatever for. */
  readonly rests: number;
  /** Whether the control link of the replica is up. */
  readonly online: boolean;
  /** Whether the next offer is to throw away what the replica has. */
  readonly from_zero: boolean;
  /** Bytes of the stream that the replica had when the last attempt or link began. */
  readonly resumed_bytes: number;
  /** Times that the link was lost while it sent. */
  readonly link_losses: number;
  readonly plan: AttemptPlan | null;
  /** Whether the replica was ever told of this transfer, so that it may hold something to clean up. */
  readonly offered: boolean;
  readonly last_error: ErrorReport | null;
  readonly outcome: TransferOutcome | null;
  /** How long it was put off when it was scheduled last. */
  readonly delay_ms: number;
}

/** How a transfer is run again. What is left out stays as it was. */
export interface RedriveFields {
  /** Throws away what the replica has of it. */
  readonly from_start?: boolean;
  /** Not at once. */
  readonly after_ms?: number;
  readonly codec?: Codec;
  readonly ssh?: boolean;
}

export interface TransferOutcome {
  /** True if the replica held the snapshot before, and nothing was sent. */
  readonly already_there: boolean;
  /** Uncompressed bytes of the stream. */
  readonly stream_bytes: number;
  /** XXH3-64 of the stream, hex; empty if nothing was sent. */
  readonly hash: string;
}

export type TransferEvent = (
  | { readonly type: 'slot.granted' }
  | { readonly type: 'replica.offline'; readonly reason: string }
  | { readonly type: 'replica.online' }
  | { readonly type: 'plan.done'; readonly result: AttemptPlan }
  | { readonly type: 'plan.already_there'; readonly number: string }
  | { readonly type: 'plan.failed'; readonly error: ErrorReport }
  | { readonly type: 'reception.ready'; readonly attempt: number; readonly resume_bytes: number }
  | { readonly type: 'reception.waiting'; readonly attempt: number }
  | { readonly type: 'reception.refused'; readonly attempt: number; readonly error: ErrorReport }
  | { readonly type: 'reception.failed'; readonly attempt: number; readonly error: ErrorReport }
  | { readonly type: 'reception.completed'; readonly attempt: number; readonly outcome: TransferOutcome }
  | { readonly type: 'reception.cancelled' }
  | { readonly type: 'send.done'; readonly result: { readonly stream_bytes: number; readonly hash: string } }
  | { readonly type: 'send.begun'; readonly offset_bytes: number; readonly is_live: boolean }
  | { readonly type: 'send.link_lost'; readonly error: ErrorReport }
  | { readonly type: 'send.mismatch'; readonly error: ErrorReport }
  | { readonly type: 'send.failed'; readonly error: ErrorReport }
  /** The replica forgot that this transfer waits for its turn. */
  | { readonly type: 'slot.ask' }
  | { readonly type: 'pause' | 'resume' | 'retry-now' | 'cancel' }
  | ({ readonly type: 'redrive' } & RedriveFields)
  /** The actor was parked, and goes on. */
  | ({ readonly type: 'woken' } & RedriveFields)
  /** Another transfer was made from this one. */
  | { readonly type: 'fork'; readonly transfer: string; readonly at_seq: number }
) &
  Timed;
