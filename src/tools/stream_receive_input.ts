/** The input of `stream receive`: a file, a pipe or standard input, with the hash of what was read. */
import { closeSync, createReadStream, fstatSync, open as openFile } from 'node:fs';
import { promisify } from 'node:util';
import { systemError } from '../btrfs/btrfs_errors.js';
import { limits } from '../core/limits.js';
import { BlockReader } from '../pipeline/blocks.js';
import { StreamHash } from '../pipeline/hash.js';
import { CommandReader } from '../stream/command_reader.js';
import { corruptStream } from '../stream/corrupt.js';
import type { StreamHead } from '../stream/segment.js';
import { readHead } from '../stream/segment.js';
import type { InputPlace } from './stream_receive_state.js';

const open = promisify(openFile);

const read_options = { highWaterMark: limits.block_bytes };

function readerOf(fd: number): BlockReader {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) return BlockReader.fromFifo(fd);
  return BlockReader.fromStream(createReadStream('', { ...read_options, fd }));
}

/** What the first command of the input said, and where it ends. */
export interface InputHead extends StreamHead {
  readonly place: InputPlace;
}

export class ReceiveInput {
  readonly #start: () => BlockReader;
  /** Whether it is a file, which can be read again from its start. */
  readonly can_rewind: boolean;
  #reader: BlockReader;
  /** Read and not given out. */
  #waiting: Buffer[] = [];

  private constructor(start: () => BlockReader, can_rewind: boolean) {
    this.#start = start;
    this.can_rewind = can_rewind;
    this.#reader = start();
  }

  /** From where it stands: others may have read a part of it. */
  static fromStandardInput(): ReceiveInput {
    return new ReceiveInput(() => readerOf(0), false);
  }

  /** @throws IcbdError if it cannot be opened */
  static async fromFile(path: string): Promise<ReceiveInput> {
    try {
      const fd = await open(path, 'r');
      if (!fstatSync(fd).isFile()) return new ReceiveInput(() => readerOf(fd), false);
      closeSync(fd);
      const start = (): BlockReader => BlockReader.fromStream(createReadStream(path, read_options));
      return new ReceiveInput(start, true);
    } catch (error) {
      throw systemError('open stream', path, error);
    }
  }

  /**
   * The next bytes; undefined at the end.
   * @throws the reader's error
   */
  async next(): Promise<Buffer | undefined> {
    return this.#waiting.shift() ?? (await this.#reader.next()).value;
  }

  /** Gives a block back for use; nobody may look at it any more. */
  recycle(block: Buffer): void {
    this.#reader.recycle(block);
  }

  /**
   * Looks at the first command; all bytes are given out afterwards.
   * @throws IcbdError `CorruptData`, `StreamVersionNotSupported`
   */
  async peekHead(): Promise<InputHead> {
    for (;;) {
      const { value } = await this.#reader.next();
      if (value === undefined) throw corruptStream('the stream ends before its first command is complete');
      const bytes = Buffer.concat([...this.#waiting, value]);
      this.#waiting = [bytes];
      const reader = new CommandReader();
      for (const command of reader.push(bytes)) {
        const offset_bytes = reader.consumed_bytes;
        const hash = new StreamHash();
        hash.update(bytes.subarray(0, offset_bytes));
        return { ...readHead(command), place: { offset_bytes, hash: hash.digest() } };
      }
    }
  }

  /**
   * Reads up to a place without looking at what comes.
   * @returns the hash so far; undefined if this is not the input of which the place was remembered
   * @throws IcbdError `CorruptData` if the input ends before
   */
  async skipTo(place: InputPlace): Promise<StreamHash | undefined> {
    const hash = new StreamHash();
    while (hash.bytes < place.offset_bytes) {
      const block = await this.next();
      if (block === undefined) {
        const received = `${place.offset_bytes} were received before`;
        throw corruptStream(`the stream ends after ${hash.bytes} bytes, and ${received}`);
      }
      const wanted_bytes = Math.min(block.length, place.offset_bytes - hash.bytes);
      hash.update(block.subarray(0, wanted_bytes));
      if (wanted_bytes < block.length) this.#waiting.unshift(block.subarray(wanted_bytes));
      else this.recycle(block);
    }
    return hash.digest() === place.hash ? hash : undefined;
  }

  /** From the beginning again; only if `can_rewind`. */
  rewind(): void {
    this.#reader.destroy();
    this.#waiting = [];
    this.#reader = this.#start();
  }

  /** Reads no more; a waiting `next` gives undefined. */
  destroy(): void {
    this.#reader.destroy();
  }
}

/** Tells the hash of the input up to any place that is not before the last one that was asked for. */
export class PrefixHash {
  readonly #hash: StreamHash;
  #waiting: Buffer[] = [];

  /** @param hash of what came before the first block */
  constructor(hash: StreamHash) {
    this.#hash = hash;
  }

  push(block: Buffer): void {
    if (block.length > 0) this.#waiting.push(block);
  }

  placeAt(offset_bytes: number): InputPlace {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const wanted_bytes = Math.min(first.length, offset_bytes - this.#hash.bytes);
      if (wanted_bytes <= 0) break;
      this.#hash.update(first.subarray(0, wanted_bytes));
      if (wanted_bytes === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(wanted_bytes);
    }
    return { offset_bytes, hash: this.#hash.digest() };
  }

  /** Nobody will ask for a place before this one; the memory of the blocks may be used again. */
  settle(offset_bytes: number): void {
    this.placeAt(offset_bytes);
    this.#waiting = this.#waiting.map((rest) => Buffer.from(rest));
  }
}
