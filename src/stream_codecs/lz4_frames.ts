/**
 * The codec `lz4`: the LZ4 frame format (lz4/lz4, doc/lz4_Frame_format.md), which the program `lz4` reads and writes.
 *
 *     u32 magic, descriptor, blocks: u32 size (highest bit: stored as it was), data, [u32 checksum]
 *     u32 0, [u32 checksum of the content]
 *
 * All numbers are little-endian, and checksums are XXH32. Read is all that the format allows, but for dictionaries:
 * linked blocks, every mix of checksums, frames one after the other, and frames to skip. The frames of the first
 * version of lz4 are refused: they have neither an end nor a checksum.
 */
import { Xxh32, xxh32 } from '@node-rs/xxhash';
import { ByteInput } from './byte_input.js';
import { damaged, truncated, unsupported } from './damage.js';
import { type Chunks, inBlocks } from './flow.js';
import { type Lz4Descriptor, readLz4Descriptor, writeLz4Descriptor } from './lz4_descriptor.js';
import { loadRawLz4, type RawLz4 } from './raw_lz4.js';
import { reasonOf } from './raw_snappy.js';

const codec = 'lz4';
const magic_frame = 0x184d2204;
const magic_legacy = 0x184c2102;
/** The last four bits are free. */
const magic_skippable = 0x184d2a50;
const stored_bit = 0x8000_0000;
const history_bytes_max = 65_536;
const no_history = Buffer.alloc(0);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** @param block_bytes one of `lz4_block_sizes_bytes` */
export async function* compressLz4(source: AsyncIterable<Buffer>, block_bytes: number): Chunks {
  const { compress } = await loadRawLz4();
  const content = new Xxh32(0);
  yield Buffer.concat([u32(magic_frame), writeLz4Descriptor(block_bytes)]);
  for await (const block of inBlocks(source, block_bytes)) {
    content.update(block);
    const compressed = compress(block);
    const is_smaller = compressed.length < block.length;
    const data = is_smaller ? compressed : block;
    yield Buffer.concat([
      u32(is_smaller ? data.length : data.length | stored_bit),
      data,
      u32(xxh32(data, 0)),
    ]);
  }
  yield Buffer.concat([u32(0), u32(content.digest())]);
}

/** What a linked block may copy from: the last 64 KiB before it. */
class History {
  readonly #is_kept: boolean;
  #bytes: Buffer = no_history;

  constructor(is_kept: boolean) {
    this.#is_kept = is_kept;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  add(block: Buffer): void {
    if (!this.#is_kept) return;
    const before = this.#bytes.subarray(Math.max(0, this.#bytes.length + block.length - history_bytes_max));
    // Always a copy: the consumer may do with its block what it likes.
    this.#bytes = Buffer.concat([before, block.subarray(Math.max(0, block.length - history_bytes_max))]);
  }
}

class FrameReader {
  readonly #input: ByteInput;
  readonly #descriptor: Lz4Descriptor;
  readonly #lz4: RawLz4;
  readonly #history: History;
  readonly #content = new Xxh32(0);
  #content_bytes = 0;

  constructor(input: ByteInput, descriptor: Lz4Descriptor, lz4: RawLz4) {
    this.#input = input;
    this.#descriptor = descriptor;
    this.#lz4 = lz4;
    this.#history = new History(descriptor.is_linked);
  }

  async *blocks(): Chunks {
    for (;;) {
      const offset = this.#input.offset_bytes;
      const size = (await this.#input.read(4, 'a frame: its end mark is missing')).readUInt32LE();
      if (size === 0) break;
      const block = await this.#readBlock(size, offset);
      this.#count(block, offset);
      yield block;
    }
    await this.#checkContent();
  }

  async #readBlock(size: number, offset: number): Promise<Buffer> {
    const { block_bytes_max, has_block_checksums } = this.#descriptor;
    const is_stored = size >= stored_bit;
    const bytes = is_stored ? size - stored_bit : size;
    if (bytes > block_bytes_max) throw damaged(codec, `a block claims ${bytes} bytes`, offset);
    const data = await this.#input.read(bytes, 'a block');
    if (has_block_checksums) {
      const expected = (await this.#input.read(4, 'the checksum of a block')).readUInt32LE();
      if (expected !== xxh32(data, 0)) throw damaged(codec, 'the checksum of a block is another one', offset);
    }
    if (is_stored) return data;
    try {
      return this.#lz4.decompress(data, block_bytes_max, this.#history.bytes);
    } catch (thrown) {
      throw damaged(codec, `a block cannot be decompressed: ${reasonOf(thrown)}`, offset, thrown);
    }
  }

  #count(block: Buffer, offset: number): void {
    const { content_bytes, has_content_checksum } = this.#descriptor;
    this.#content_bytes += block.length;
    if (content_bytes !== undefined && this.#content_bytes > content_bytes) {
      throw damaged(codec, `a frame has more than the ${content_bytes} bytes that it claims`, offset);
    }
    if (has_content_checksum) this.#content.update(block);
    this.#history.add(block);
  }

  async #checkContent(): Promise<void> {
    const offset = this.#input.offset_bytes;
    const { content_bytes = this.#content_bytes, has_content_checksum } = this.#descriptor;
    if (BigInt(content_bytes) !== BigInt(this.#content_bytes)) {
      throw damaged(codec, `a frame has ${this.#content_bytes} bytes and not ${content_bytes}`, offset);
    }
    if (!has_content_checksum) return;
    const expected = (await this.#input.read(4, 'the checksum of the content')).readUInt32LE();
    if (expected !== this.#content.digest()) {
      throw damaged(codec, 'the checksum of the content is another one', offset);
    }
  }
}

function unknownFrame(magic: number, offset: number): Error {
  if (magic === magic_legacy) {
    const hint = 'decompress it with lz4 -d';
    return unsupported(codec, 'a legacy frame, which can be cut or damaged without a trace', offset, hint);
  }
  return damaged(codec, offset === 0 ? 'no LZ4 frame' : 'what follows after a frame is none', offset);
}

export async function* decompressLz4(source: AsyncIterable<Buffer>): Chunks {
  const lz4 = await loadRawLz4();
  const input = new ByteInput(source, codec);
  let frames = 0;
  try {
    while (!(await input.isAtEnd())) {
      const offset = input.offset_bytes;
      const magic = (await input.read(4, 'a magic number')).readUInt32LE();
      if (magic === magic_frame) {
        yield* new FrameReader(input, await readLz4Descriptor(input), lz4).blocks();
        frames += 1;
      } else if (magic - (magic % 16) === magic_skippable) {
        const bytes = (await input.read(4, 'a frame to skip')).readUInt32LE();
        await input.passOver(bytes, 'a frame to skip');
      } else {
        throw unknownFrame(magic, offset);
      }
    }
    if (frames === 0) throw truncated(codec, 'what comes before the first frame', input.offset_bytes);
  } finally {
    input.close();
  }
}
