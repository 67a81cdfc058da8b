import type { Clock } from '../core/clock.js';

const window_ms = 5_000;
/** Adds closer together than this share one sample, so that the window holds few of them. */
const sample_ms = 250;

/** Counts the bytes of one stream, and knows how fast they come and when the last one came. */
export class Meter {
  readonly #clock: Clock;
  readonly #samples: { at_ms: number; bytes: number }[];
  #bytes: number;
  #last_at_ms: number;

  /** @param start_bytes offset in the stream from which it is counted */
  constructor(clock: Clock, start_bytes = 0) {
    this.#clock = clock;
    this.#bytes = start_bytes;
    this.#last_at_ms = clock.now();
    this.#samples = [{ at_ms: this.#last_at_ms, bytes: start_bytes }];
  }

  /** Offset in the stream: bytes so far, and those before the start. */
  get bytes(): number {
    return this.#bytes;
  }

  add(bytes: number): void {
    const now_ms = this.#clock.now();
    this.#bytes += bytes;
    if (bytes > 0) this.#last_at_ms = now_ms;
    const last = this.#samples.at(-1);
    if (last === undefined || now_ms - last.at_ms >= sample_ms) {
      this.#samples.push({ at_ms: now_ms, bytes: this.#bytes });
      this.#forget(now_ms);
    }
  }

  /** Bytes per second over the last 5 s, or since the start if that was later; 0 when nothing moves. */
  rate_bytes_per_s(): number {
    const now_ms = this.#clock.now();
    this.#forget(now_ms);
    const [oldest] = this.#samples;
    if (oldest === undefined || now_ms <= oldest.at_ms) return 0;
    return Math.round(((this.#bytes - oldest.bytes) * 1_000) / (now_ms - oldest.at_ms));
  }

  /** Says that something moves, though no byte of the stream came. */
  touch(): void {
    this.#last_at_ms = this.#clock.now();
  }

  /** Time since the last byte or touch, or since the start if none came, in ms. */
  idle_ms(): number {
    return Math.max(0, this.#clock.now() - this.#last_at_ms);
  }

  /** Keeps one sample at or before the start of the window: the base that the rate is counted from. */
  #forget(now_ms: number): void {
    while (this.#samples.length > 1 && (this.#samples[1]?.at_ms ?? now_ms) <= now_ms - window_ms) {
      this.#samples.shift();
    }
  }
}
