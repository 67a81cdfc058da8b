import type { RetainedStream, StreamReading } from './retained_stream.js';

export interface StreamFeedOptions {
  readonly from_bytes: number;
  readonly may_hold_back: boolean;
  /** Called with the length of each block as it is given out. */
  readonly onGiven: (bytes: number) => void;
}

/**
 * The blocks of a stream for the codec of one link. Its end is its owner's: a codec that is done with it leaves the
 * stream as it is, and one that still waits for a block when the link is lost is told that there is none.
 */
export class StreamFeed implements AsyncIterableIterator<Buffer> {
  readonly #stream: RetainedStream;
  readonly #reading: StreamReading;
  readonly #onGiven: (bytes: number) => void;
  #offset_bytes: number;

  constructor(stream: RetainedStream, { from_bytes, may_hold_back, onGiven }: StreamFeedOptions) {
    this.#stream = stream;
    this.#reading = { is_over: false, may_hold_back, does_hold_back: false };
    this.#onGiven = onGiven;
    this.#offset_bytes = from_bytes;
  }

  /** Behind the last byte that was given out. */
  get offset_bytes(): number {
    return this.#offset_bytes;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const value = await this.#stream.next(this.#offset_bytes, this.#reading);
    if (value === undefined) return { done: true, value };
    this.#offset_bytes += value.length;
    this.#onGiven(value.length);
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.stop();
    return { done: true, value: undefined };
  }

  stop(): void {
    this.#reading.is_over = true;
    this.#stream.wake();
  }
}
