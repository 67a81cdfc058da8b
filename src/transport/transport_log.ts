import type { ErrorReport } from '../core/errors.js';

/** What the transport has to say to the node's log; no secret and no proof is ever in it. */
export type TransportLog =
  | {
      readonly kind: 'handshake_failed';
      readonly address: string;
      /** What the peer said it was, not proven. */
      readonly claimed_node: string;
      readonly error: ErrorReport;
    }
  | { readonly kind: 'dial_failed'; readonly error: ErrorReport; readonly retry_ms: number }
  | { readonly kind: 'data_refused'; readonly node: string; readonly error: ErrorReport }
  | { readonly kind: 'handler_failed'; readonly error: ErrorReport }
  | { readonly kind: 'server_error'; readonly error: ErrorReport };
