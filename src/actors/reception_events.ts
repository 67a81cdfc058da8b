/** What a reception actor knows and hears. */
import type { Checkpoint } from '../core/checkpoint.js';
import type { Codec, StreamVersion } from '../core/codecs.js';
import type { ErrorReport } from '../core/errors.js';
import type { Timed } from './intents.js';
import type { TransferOutcome } from './transfer_events.js';

export interface ReceptionInput {
  /** Id of the transfer. */
  readonly id: string;
  readonly image: string;
  readonly number: string;
}

export interface ReceptionContext extends ReceptionInput {
  /** The node that the offer came from. */
  readonly master: string;
  /** The attempt of the transfer that this serves; 0 before the first offer. */
  readonly attempt: number;
  /** Identity of the snapshot: the received_uuid that the copy gets. */
  readonly uuid: string;
  readonly parent: { readonly number: string; readonly uuid: string } | null;
  readonly stream_version: StreamVersion;
  /** Whether the master wants all of the stream to be received anew. */
  readonly from_zero: boolean;
  /** Whether the stream comes through the ssh tunnel of this node. */
  readonly ssh: boolean;
  readonly codec: Codec;
  /** What of the stream is on disk, whatever happens. */
  readonly checkpoint: Checkpoint | null;
  /** Why the checkpoint of before was not of use; empty if it was, or there was none. */
  readonly start_reason: string;
  /** Where the stream began when the data link was opened last. */
  readonly begun_bytes: number;
  /** Whether the control link to the master is up. */
  readonly linked: boolean;
  /** Times in a row that the data link was lost before there was a new checkpoint. */
  readonly losses: number;
  /** Name of the subvolume that arrived whole and is to be published; empty before. */
  readonly hidden_name: string;
  /** An attempt that was offered while the one before was being cleaned up. */
  readonly next_offer: Offer | null;
  /** Whether the master was told of the failure although something of it is left here. */
  readonly failure_told: boolean;
  readonly cancel_asked: boolean;
  /** The transfer failed or was paused: what is on disk is to be kept until it goes on. */
  readonly hold_asked: boolean;
  readonly error: ErrorReport | null;
  readonly outcome: TransferOutcome | null;
}

export interface Offer {
  readonly attempt: number;
  readonly uuid: string;
  readonly parent: { readonly number: string; readonly uuid: string } | null;
  readonly stream_version: StreamVersion;
  readonly from_zero: boolean;
  readonly ssh: boolean;
}

export type ReceptionEvent =
  // An offer that an older release wrote down says nothing of ssh.
  (
    | ({ readonly type: 'transfer.offer'; readonly from: string; readonly ssh?: boolean } & Omit<
        Offer,
        'ssh'
      >)
    | { readonly type: 'transfer.start'; readonly attempt: number; readonly codec: Codec }
    | { readonly type: 'transfer.cancel'; readonly from: string }
    | { readonly type: 'transfer.hold'; readonly attempt: number; readonly from: string }
    | { readonly type: 'link.up' }
    | { readonly type: 'link.down' }
    | {
        readonly type: 'prepare.done';
        readonly keeps_checkpoint: boolean;
        readonly resume_bytes: number;
        readonly reason: string;
      }
    | { readonly type: 'prepare.already_there' }
    | { readonly type: 'prepare.failed'; readonly error: ErrorReport }
    | {
        readonly type: 'receive.done';
        readonly result: {
          readonly stream_bytes: number;
          readonly hash: string;
          readonly hidden_name: string;
        };
      }
    | { readonly type: 'receive.begun'; readonly offset_bytes: number }
    | { readonly type: 'receive.checkpoint'; readonly checkpoint: Checkpoint }
    | { readonly type: 'receive.checkpoint_lost'; readonly reason: string }
    | { readonly type: 'receive.link_lost'; readonly error: ErrorReport }
    | { readonly type: 'receive.failed'; readonly error: ErrorReport }
    | { readonly type: 'publish.done' }
    | { readonly type: 'publish.failed'; readonly error: ErrorReport }
    | { readonly type: 'cleanup.done' }
    | { readonly type: 'cleanup.failed'; readonly error: ErrorReport }
    /** The actor was parked, and goes on. */
    | { readonly type: 'woken' }
  ) &
    Timed;
