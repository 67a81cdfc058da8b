/** Notices a peer that vanished without a word: a pulled cable sends no FIN. */
import type { Clock } from '../core/clock.js';
import type { LivenessRhythm } from '../core/link.js';

export const ping_interval_ms = 10_000;
export const pings_missed_max = 3;
/** Of every link that nobody has told another one. */
export const default_rhythm: LivenessRhythm = { interval_ms: ping_interval_ms, missed_max: pings_missed_max };

export interface LivenessOptions {
  readonly clock: Clock;
  ping(): void;
  /** Bytes read from the network so far. */
  bytesRead(): number;
  /** Whether this side does not read at the moment, so that silence proves nothing. */
  isDeaf(): boolean;
  /** Asked at every beat; default: `default_rhythm`. */
  readonly rhythm?: () => LivenessRhythm;
  /** Called once. */
  onSilent(): void;
}

/**
 * Pings every interval; says so when not a single byte came from the peer for as many intervals as the rhythm
 * says. Any byte counts as life: on a slow line a pong waits behind a long frame.
 * @returns what ends the watch
 */
export function watchLiveness(options: LivenessOptions): () => void {
  const { clock, rhythm = () => default_rhythm } = options;
  let missed = 0;
  let seen_bytes = options.bytesRead();
  const beat = (): void => {
    const now_bytes = options.bytesRead();
    if (now_bytes !== seen_bytes || options.isDeaf()) missed = 0;
    seen_bytes = now_bytes;
    const { interval_ms, missed_max } = rhythm();
    if (missed >= missed_max) {
      options.onSilent();
      return;
    }
    missed += 1;
    options.ping();
    cancel = clock.after(interval_ms, beat);
  };
  let cancel = clock.after(rhythm().interval_ms, beat);
  return () => {
    cancel();
  };
}
