/** What a reception actor knows and hears. */
import type { Codec } from '../core/codecs.js';
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
  readonly codec: Codec;
  /** The attempt whose stream arrived whole; its hidden subvolume is what gets published. */
  readonly received_attempt: number;
  /** An attempt that was offered while the one before was being cleaned up. */
  readonly next_offer: Offer | null;
  readonly cancel_asked: boolean;
  readonly error: ErrorReport | null;
  readonly outcome: TransferOutcome | null;
}

interface Offer {
  readonly attempt: number;
  readonly uuid: string;
  readonly parent: { readonly number: string; readonly uuid: string } | null;
}

export type ReceptionEvent = (
  | ({ readonly type: 'transfer.offer'; readonly from: string } & Offer)
  | { readonly type: 'transfer.start'; readonly attempt: number; readonly codec: Codec }
  | { readonly type: 'transfer.cancel'; readonly from: string }
  | { readonly type: 'prepare.done' }
  | { readonly type: 'prepare.already_there' }
  | { readonly type: 'prepare.failed'; readonly error: ErrorReport }
  | {
      readonly type: 'receive.done';
      readonly result: { readonly stream_bytes: number; readonly hash: string };
    }
  | { readonly type: 'receive.failed'; readonly error: ErrorReport }
  | { readonly type: 'publish.done' }
  | { readonly type: 'publish.failed'; readonly error: ErrorReport }
  | { readonly type: 'cleanup.done' }
  | { readonly type: 'cleanup.failed'; readonly error: ErrorReport }
) &
  Timed;
