/** lz4 and snappy: each block on its own, in a thread that the stream has for itself. */
import { IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import {
  block_header_bytes,
  type DecodeLimits,
  orCorrupt,
  readBlockHeader,
  writeBlockHeader,
} from './block_codec.js';
import { CodecThread, type CodecThreadData, type ThreadCodec } from './codec_thread.js';
import { mapOrdered } from './ordered.js';
import type { RecyclingBlocks } from './recycling_blocks.js';

/** Blocks that wait for the thread, so that it always has one. */
const waiting_blocks = 3;
/** Blocks that the consumer may hold in the memory of the thread; what it holds beyond is copied. */
const lent_blocks_max = 6;
const slot_bytes = block_header_bytes + limits.block_bytes;

interface Converted {
  readonly slot: number;
  readonly bytes: Buffer;
}

/** Puts a block into a slot, and says what came of it. */
type ConvertBlock = (thread: CodecThread, slot: number, block: Buffer) => Promise<Buffer>;

class ThreadedBlocks implements RecyclingBlocks {
  readonly #what: CodecThreadData;
  readonly #blocks: AsyncIterable<Buffer>;
  readonly #convert: ConvertBlock;
  readonly #free = Array.from({ length: waiting_blocks + lent_blocks_max + 1 }, (_, slot) => slot);
  /** Slots that the consumer holds, by the block it got. */
  readonly #lent = new Map<Buffer, number>();

  constructor(what: CodecThreadData, blocks: AsyncIterable<Buffer>, convert: ConvertBlock) {
    this.#what = what;
    this.#blocks = blocks;
    this.#convert = convert;
  }

  recycle(block: Buffer): void {
    const slot = this.#lent.get(block);
    if (slot === undefined) return;
    this.#lent.delete(block);
    this.#free.push(slot);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    const thread = new CodecThread(this.#what, { slots: this.#free.length, slot_bytes });
    try {
      const convert = async (block: Buffer): Promise<Converted> => {
        const slot = this.#takeSlot();
        return { slot, bytes: await this.#convert(thread, slot, block) };
      };
      for await (const converted of mapOrdered(this.#blocks, waiting_blocks, convert)) {
        yield this.#lend(converted);
      }
    } finally {
      await thread.stop();
    }
  }

  #takeSlot(): number {
    const slot = this.#free.pop();
    if (slot === undefined) throw new IcbdError('Internal', 'no free slot', { operation: 'codec' });
    return slot;
  }

  /** A consumer that gives nothing back, or that waits for a slow network, gets copies: it never blocks the stream. */
  #lend({ slot, bytes }: Converted): Buffer {
    if (this.#lent.size < lent_blocks_max) {
      this.#lent.set(bytes, slot);
      return bytes;
    }
    const copy = Buffer.from(bytes);
    this.#free.push(slot);
    return copy;
  }
}

/** @param recycle given each block when it is no longer needed */
export function encodeInThread(
  codec: ThreadCodec,
  blocks: AsyncIterable<Buffer>,
  recycle: (block: Buffer) => void,
): RecyclingBlocks {
  return new ThreadedBlocks({ codec, direction: 'compress' }, blocks, async (thread, slot, block) => {
    const raw_bytes = block.length;
    if (raw_bytes > limits.block_bytes) {
      throw new IcbdError('Internal', `a block of ${raw_bytes} bytes`, { operation: 'compress' });
    }
    block.copy(thread.slot(slot), block_header_bytes);
    recycle(block);
    const order = { slot, offset_bytes: block_header_bytes, data_bytes: raw_bytes, raw_bytes };
    const output_bytes = await thread.convert(order);
    const memory = thread.slot(slot);
    writeBlockHeader(memory, { is_compressed: output_bytes !== undefined, raw_bytes });
    return memory.subarray(0, block_header_bytes + (output_bytes ?? raw_bytes));
  });
}

/**
 * @param recycle given each block when it is no longer needed
 * @throws IcbdError `CorruptData`
 */
export function decodeInThread(
  codec: ThreadCodec,
  blocks: AsyncIterable<Buffer>,
  decode_limits: DecodeLimits,
  recycle: (block: Buffer) => void,
): RecyclingBlocks {
  return new ThreadedBlocks({ codec, direction: 'decompress' }, blocks, async (thread, slot, block) => {
    const { is_compressed, raw_bytes } = readBlockHeader(codec, block, decode_limits);
    const data_bytes = block.copy(thread.slot(slot), 0, block_header_bytes);
    recycle(block);
    if (!is_compressed) return thread.slot(slot).subarray(0, raw_bytes);
    const order = { slot, offset_bytes: 0, data_bytes, raw_bytes };
    await orCorrupt(codec, thread.convert(order));
    return thread.slot(slot).subarray(0, raw_bytes);
  });
}
