/** Notices a peer that vanished without a word: a pulled cable sends no FIN. */
import type { Clock } from '../core/clock.js';
import type { LivenessRhythm } from '../core/link.js';

export const ping_interval_ms = 10_000;
export const pings_missed_max = 3;
/** Of every link that nobody has told another one. */
export const default_rhythm: LivenessRhythm = { interval_ms: ping_interval_ms, missed_max: pings_missed_max };

/** How one link is watched. It may change while the watch runs. */
export class Rhythm {
  #current = default_rhythm;
  #onChange: () => void = () => undefined;

  get current(): LivenessRhythm {
    return this.#current;
  }

  set(rhythm: LivenessRhythm): void {
    const { interval_ms, missed_max } = this.#current;
    // The same one again must not put off the next look.
    if (rhythm.interval_ms === interval_ms && rhythm.missed_max === missed_max) return;
    this.#current = rhythm;
    this.#onChange();
  }

  /** Replaces the listener before. */
  listen(onChange: () => void): void {
    this.#onChange = onChange;
  }
}

export interface LivenessOptions {
  readonly clock: Clock;
  ping(): void;
  /** Bytes read from the network so far. */
  bytesRead(): number;
  /** Whether this side does not read at the moment, so that silence proves nothing. */
  isDeaf(): boolean;
  /** Default: `default_rhythm`. */
  readonly rhythm?: Rhythm;
  /** Called once. */
  onSilent(): void;
}

/**
 * Pings every interval; says so when not a single byte came from the peer for as many intervals as the rhythm
 * says. Any byte counts as life: on a slow line a pong waits behind a long frame.
 * @returns what ends the watch
 */
export function watchLiveness(options: LivenessOptions): () => void {
  const { clock, rhythm = new Rhythm() } = options;
  let missed = 0;
  let seen_bytes = options.bytesRead();
  const beat = (): void => {
    const now_bytes = options.bytesRead();
    if (now_bytes !== seen_bytes || options.isDeaf()) missed = 0;
    seen_bytes = now_bytes;
    const { interval_ms, missed_max } = rhythm.current;
    if (missed >= missed_max) {
      options.onSilent();
      return;
    }
    missed += 1;
    options.ping();
    cancel = clock.after(interval_ms, beat);
  };
  let cancel = clock.after(rhythm.current.interval_ms, beat);
  rhythm.listen(() => {
    cancel();
    cancel = clock.after(rhythm.current.interval_ms, beat);
  });
  return () => {
    rhythm.listen(() => undefined);
    cancel();
  };
}
