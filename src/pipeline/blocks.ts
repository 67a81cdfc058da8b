/** Turns the output of a process into blocks of a convenient size. */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { limits } from '../core/limits.js';

/** A block is given out when less than this is free in it: shorter reads cost more than the rest is worth. */
const read_bytes_min = 64 * 1024;
/** Full blocks that wait for the consumer before reading pauses. */
const ready_blocks_max = 2;
/** A block that is not full is given out after this time, so that a slow source is not mistaken for a dead one. */
const flush_after_ms = 200;
/** Blocks kept for use again: as many as can be on their way at once. */
const free_blocks_max = limits.data_in_flight_bytes / limits.block_bytes + ready_blocks_max;

/**
 * Reads bytes into blocks of about `block_bytes`, in order, with backpressure; read once, by one consumer.
 *
 * Fresh memory costs a page fault per 4 KiB, which is a third of the CPU time of a copy; so a consumer that is done
 * with a block may give it back with `recycle`.
 */
export class BlockReader implements AsyncIterableIterator<Buffer> {
  readonly #block_bytes: number;
  readonly #ready: Buffer[] = [];
  readonly #free: Buffer[] = [];
  #block: Buffer;
  #filled_bytes = 0;
  /** Where in the block begins what was not given out yet. */
  #given_bytes = 0;
  /** Memory that was given out in several parts; it is never used again. */
  readonly #shared = new WeakSet<ArrayBufferLike>();
  /** Memory that was given out as one block, and may come back. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #is_over = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #flush_timer: NodeJS.Timeout | undefined;
  #resume: () => void = () => undefined;
  #close: () => void = () => undefined;

  private constructor(block_bytes: number) {
    this.#block_bytes = block_bytes;
    this.#block = Buffer.allocUnsafeSlow(block_bytes);
  }

  /** Reads a pipe's end straight into the blocks; the descriptor is closed at the end. It must not block. */
  static fromFifo(fd: number, block_bytes: number = limits.block_bytes): BlockReader {
    const reader = new BlockReader(block_bytes);
    const onread: OnReadOpts = {
      buffer: () => reader.#block.subarray(reader.#filled_bytes),
      callback: (bytes) => reader.#advance(bytes),
    };
    // The type of the constructor's options lacks `onread`, which Node documents for `connect` only.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: false,
      onread,
    };
    reader.#attach(new Socket(options));
    return reader;
  }

  /** Reads any stream; each byte is copied once more than by `fromFifo`. */
  static fromStream(stream: Readable, block_bytes: number = limits.block_bytes): BlockReader {
    const reader = new BlockReader(block_bytes);
    stream.on('data', (chunk: Buffer) => {
      if (!reader.#append(chunk)) stream.pause();
    });
    reader.#attach(stream);
    return reader;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next block; it is the consumer's, who may change it. */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    while (this.#ready.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#is_over) return { done: true, value: undefined };
      this.#flushSoon();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#ready.shift();
    if (value === undefined) return { done: true, value };
    if (!this.#is_over) this.#resume();
    return { done: false, value };
  }

  /** Reads no more and lets go of everything; a waiting `next` ends. */
  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.destroy();
    return { done: true, value: undefined };
  }

  destroy(): void {
    this.#ready.length = 0;
    this.#free.length = 0;
    this.#given_bytes = this.#filled_bytes;
    this.#end();
    this.#close();
  }

  /** Takes back a block that nobody looks at any more. One that is not from here, or came back before, is ignored. */
  recycle(block: Buffer): void {
    const memory = block.buffer;
    if (!this.#lent.delete(memory)) return;
    if (!this.#is_over && this.#free.length < free_blocks_max) this.#free.push(Buffer.from(memory));
  }

  #attach(stream: Readable): void {
    this.#resume = () => stream.resume();
    this.#close = () => stream.destroy();
    stream.on('end', () => this.#end());
    stream.on('close', () => this.#end());
    stream.on('error', (error) => {
      if (!this.#is_over) this.#failure = error;
      this.#end();
    });
    stream.resume();
  }

  /** Copies a chunk into blocks; false: it is enough until more is asked for. */
  #append(chunk: Buffer): boolean {
    let go_on = true;
    for (let offset = 0; offset < chunk.length; ) {
      const copied = chunk.copy(this.#block, this.#filled_bytes, offset);
      offset += copied;
      go_on = this.#advance(copied);
    }
    return go_on;
  }

  /** Takes note of bytes that stand in the block; false: it is enough until more is asked for. */
  #advance(bytes: number): boolean {
    if (this.#is_over) return false;
    this.#filled_bytes += bytes;
    if (this.#block_bytes - this.#filled_bytes < Math.min(read_bytes_min, this.#block_bytes / 2)) {
      this.#give();
      this.#startBlock();
    } else if (this.#wake !== undefined) {
      this.#flushSoon();
    }
    return this.#ready.length < ready_blocks_max;
  }

  #flushSoon(): void {
    if (this.#given_bytes === this.#filled_bytes) return;
    this.#flush_timer ??= setTimeout(() => {
      // The kernel may be told already to read into what is left of this block, so it cannot be replaced here.
      this.#shared.add(this.#block.buffer);
      this.#give();
    }, flush_after_ms);
  }

  /** Gives out what is in the block and was not given yet. */
  #give(): void {
    clearTimeout(this.#flush_timer);
    this.#flush_timer = undefined;
    if (this.#given_bytes === this.#filled_bytes) return;
    this.#ready.push(this.#block.subarray(this.#given_bytes, this.#filled_bytes));
    this.#given_bytes = this.#filled_bytes;
    this.#wakeConsumer();
  }

  #startBlock(): void {
    const { buffer } = this.#block;
    if (!this.#shared.has(buffer)) this.#lent.add(buffer);
    this.#block = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#block_bytes);
    this.#filled_bytes = 0;
    this.#given_bytes = 0;
  }

  #end(): void {
    if (this.#is_over) return;
    this.#give();
    this.#is_over = true;
    this.#wakeConsumer();
  }

  #wakeConsumer(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
