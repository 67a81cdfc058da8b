/** Notices a peer that vanished without a word: a pulled cable sends no FIN. */
import type { Clock } from '../core/clock.js';

export const ping_interval_ms = 10_000;
export const pings_missed_max = 3;

export interface LivenessOptions {
  readonly clock: Clock;
  ping(): void;
  /** Bytes read from the network so far. */
  bytesRead(): number;
  /** Whether this side does not read at the moment, so that silence proves nothing. */
  isDeaf(): boolean;
  /** Called once. */
  onSilent(): void;
}

/**
 * Pings every `ping_interval_ms`; says so when not a single byte came from the peer for `pings_missed_max`
 * intervals. Any byte counts as life: on a slow line a pong waits behind a long frame.
 * @returns what ends the watch
 */
export function watchLiveness(options: LivenessOptions): () => void {
  const { clock } = options;
  let missed = 0;
  let seen_bytes = options.bytesRead();
  const beat = (): void => {
    const now_bytes = options.bytesRead();
    if (now_bytes !== seen_bytes || options.isDeaf()) missed = 0;
    seen_bytes = now_bytes;
    if (missed >= pings_missed_max) {
      options.onSilent();
      return;
    }
    missed += 1;
    options.ping();
    cancel = clock.after(ping_interval_ms, beat);
  };
  let cancel = clock.after(ping_interval_ms, beat);
  return () => {
    cancel();
  };
}
