/** What `stream receive` is told, and what it tells. */
import type { Clock } from '../core/clock.js';

/** What happens, for the one who looks on. */
export type ReceiveEvent =
  | { readonly kind: 'resumed'; readonly offset_bytes: number }
  | { readonly kind: 'started_over'; readonly why: string }
  | { readonly kind: 'subvolume'; readonly is_full: boolean; readonly name: string }
  /** A part is on disk: what is before the offset is not received again. */
  | { readonly kind: 'checkpoint'; readonly offset_bytes: number }
  | { readonly kind: 'published'; readonly name: string; readonly uuid: string }
  /** Symlinks that the snapshots hold are followed, as by any `btrfs receive`. */
  | { readonly kind: 'not_confined'; readonly why: string }
  /** Parts that are kept, or could not be deleted. */
  | { readonly kind: 'left'; readonly why: string };

export interface ReceiveOptions {
  readonly directory: string;
  /** The stream; standard input by default. */
  readonly file?: string | undefined;
  /** Hidden, inside the directory, by default. */
  readonly state_file?: string | undefined;
  /** Stop at the first END. */
  readonly stop_at_end: boolean;
  /** As `btrfs receive -E`. Any value but 1 is for saving what can be saved: without checkpoints. */
  readonly max_errors: number;
  /** Further options of `btrfs receive`. */
  readonly receive_args: readonly string[];
  /** A part is closed when it holds so many bytes of the stream, */
  readonly segment_bytes: number;
  /** or has been open for so long. */
  readonly segment_ms: number;
  /** Names a receiving that starts from the beginning; never given twice. */
  readonly fresh_seed: string;
  readonly clock: Clock;
  /** Stops reading; what came until then is kept as a checkpoint. */
  readonly signal: AbortSignal;
  readonly report: (event: ReceiveEvent) => void;
}
