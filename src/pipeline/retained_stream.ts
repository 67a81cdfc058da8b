import type { Clock } from '../core/clock.js';
import type { StreamPlace } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { BlockReader } from './blocks.js';
import { ProofHash } from './proof_hash.js';
import { RetainedBlocks } from './retained_blocks.js';

/**
 * Without a word from the receiver for this long, a codec that holds blocks back is taken to hold all of the window,
 * ms.
 */
const hold_back_after_ms = 5_000;

/** Who reads the stream for one link. */
export interface StreamReading {
  /** Set when the link is lost: what waits for the next block then ends. */
  is_over: boolean;
  /**
   * Whether the codec may keep any number of bytes to itself until more come: a `zstd` program reads 128 KiB of
   * compressed data before it gives anything out, which can be gigabytes of an empty disk. The receiver then cannot
   * say that it has taken them, and waiting for that would wait for ever.
   */
  readonly may_hold_back: boolean;
  /** Set when that has happened: from then on the oldest blocks are let go instead of waiting. */
  does_hold_back: boolean;
}

export interface RetainedStreamOptions {
  readonly clock: Clock;
  /** Bytes that are retained at most; more are read only when some are released. */
  readonly window_bytes: number;
}

/**
 * A stream that is read once, and in which a reader may start again at any offset that was not released yet.
 * A block that arrives when nobody waits for it any more is there for the next who asks.
 */
export class RetainedStream {
  readonly #blocks: BlockReader;
  readonly #clock: Clock;
  readonly #window_bytes: number;
  readonly #hash = new ProofHash();
  readonly #retained = new RetainedBlocks();
  readonly #waiting = new Set<() => void>();
  #is_reading = false;
  #is_at_end = false;
  #failure: IcbdError | undefined;

  constructor(blocks: BlockReader, options: RetainedStreamOptions) {
    this.#blocks = blocks;
    this.#clock = options.clock;
    this.#window_bytes = options.window_bytes;
  }

  /** Bytes read so far. */
  get read_bytes(): number {
    return this.#hash.bytes;
  }

  /** Bytes held in memory. */
  get retained_bytes(): number {
    return this.#retained.bytes;
  }

  /** The proof hash of all that was read. */
  digest(): string {
    return this.#hash.digest();
  }

  /** The place at this offset; undefined if it is not known, or what follows it is not there any more. */
  placeAt(offset_bytes: number): StreamPlace | undefined {
    return this.#retained.placeAt(offset_bytes);
  }

  /** Whether a reader may start there. */
  has(offset_bytes: number): boolean {
    return offset_bytes >= this.#retained.start_bytes && offset_bytes <= this.#retained.end_bytes;
  }

  /**
   * What follows an offset, up to the end of a block; undefined at the end of the stream, or when the reading is over.
   * @throws IcbdError what `fail` was called with, or why the stream cannot be read
   */
  async next(offset_bytes: number, reading: StreamReading): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (reading.is_over) return undefined;
      const block = this.#retained.from(offset_bytes);
      if (block !== undefined) return block;
      if (this.#is_at_end) return undefined;
      if (this.#hasRoom()) {
        this.#read();
        await this.#change();
      } else if (reading.does_hold_back) {
        this.#letGoOfFirst();
      } else {
        await this.#roomOrHoldBack(reading);
      }
    }
  }

  /** Lets go of all before this offset, whose memory is used again. */
  release(offset_bytes: number): void {
    for (const block of this.#retained.release(offset_bytes)) this.#blocks.recycle(block);
    this.wake();
  }

  /** Lets whoever waits look again at what it waits for. */
  wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Ends it: nothing more is read, and all memory is let go. */
  fail(cause: IcbdError): void {
    this.#failure ??= cause;
    this.#blocks.destroy();
    this.#retained.release(this.#retained.end_bytes);
    this.wake();
  }

  #hasRoom(): boolean {
    return this.#retained.bytes === 0 || this.#retained.bytes + limits.block_bytes <= this.#window_bytes;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  async #roomOrHoldBack(reading: StreamReading): Promise<void> {
    if (!reading.may_hold_back) return this.#change();
    const cancel = this.#clock.after(hold_back_after_ms, () => {
      reading.does_hold_back = true;
      this.wake();
    });
    await this.#change();
    cancel();
  }

  /** Its memory is not used again: nobody has said that it is read. */
  #letGoOfFirst(): void {
    const first = this.#retained.from(this.#retained.start_bytes);
    this.#retained.release(this.#retained.start_bytes + (first?.length ?? 0));
  }

  #read(): void {
    if (this.#is_reading) return;
    this.#is_reading = true;
    const take = ({ value }: IteratorResult<Buffer, undefined>): void => {
      this.#is_reading = false;
      if (value === undefined) this.#is_at_end = true;
      else if (this.#failure === undefined) this.#take(value);
      this.wake();
    };
    this.#blocks.next().then(take, (thrown: unknown) => {
      this.fail(IcbdError.from(thrown, 'read the stream'));
    });
  }

  #take(block: Buffer): void {
    this.#retained.push(block);
    this.#hash.update(block, (place) => this.#retained.addPlace(place));
  }
}
