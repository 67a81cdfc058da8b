/**
 * The codec `snappy`: raw snappy blocks one after the other, as the original system wrote them, in the layout that
 * Hadoop's SnappyCodec reads and writes, since raw blocks do not tell where they end:
 *
 *     block  u32 bytes when decompressed, not 0; then, until they are reached:
 *            u32 bytes of a raw snappy block, and that block
 *     end    u32 0, then u32 CRC-32C of all decompressed bytes
 *
 * All numbers are big-endian. Hadoop takes a block of 0 bytes as the end (`BlockDecompressorStream`) and reads no
 * further, so it reads what is written here. By itself the layout has neither an end nor a checksum: a stream that is
 * cut between two blocks, or in which a literal is changed, could not be told from a good one. So the end is demanded
 * when reading, and a stream without it counts as cut. To exchange data with other programs, use `snappy-framed`.
 */
import { ByteInput } from './byte_input.js';
import { damaged } from './damage.js';
import { type Chunks, inBlocks } from './flow.js';
import { claimedBytes, compressedBytesMax, loadRawSnappy, type RawSnappy, reasonOf } from './raw_snappy.js';

const codec = 'snappy';
/** What one block may hold, when writing and when reading. */
export const snappy_block_bytes_max = 16 * 1024 * 1024;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export async function* compressSnappyBlocks(source: AsyncIterable<Buffer>, block_bytes: number): Chunks {
  const { compress } = await loadRawSnappy();
  const { crc32c } = await import('@node-rs/crc32');
  let checksum = 0;
  for await (const block of inBlocks(source, block_bytes)) {
    const compressed = compress(block);
    checksum = crc32c(block, checksum);
    yield Buffer.concat([u32(block.length), u32(compressed.length), compressed]);
  }
  yield Buffer.concat([u32(0), u32(checksum)]);
}

function orDamaged(offset_bytes: number, decompress: () => Buffer): Buffer {
  try {
    return decompress();
  } catch (thrown) {
    throw damaged(codec, `a block cannot be decompressed: ${reasonOf(thrown)}`, offset_bytes, thrown);
  }
}

/** The parts of one block. */
async function* readBlock(input: ByteInput, raw_bytes: number, { decompress }: RawSnappy): Chunks {
  const inside = 'a block';
  for (let left = raw_bytes; left > 0; ) {
    const offset = input.offset_bytes;
    const bytes = (await input.read(4, inside)).readUInt32BE();
    if (bytes > compressedBytesMax(left))
      throw damaged(codec, `a block claims ${bytes} compressed bytes`, offset);
    const data = await input.read(bytes, inside);
    const claimed = claimedBytes(data) ?? 0;
    if (claimed === 0 || claimed > left)
      throw damaged(codec, `a block of ${claimed} bytes, not of ${left}`, offset);
    const part = orDamaged(offset, () => decompress(data, claimed));
    left -= part.length;
    yield part;
  }
}

export async function* decompressSnappyBlocks(source: AsyncIterable<Buffer>): Chunks {
  const snappy = await loadRawSnappy();
  const { crc32c } = await import('@node-rs/crc32');
  const input = new ByteInput(source, codec);
  let checksum = 0;
  try {
    for (;;) {
      const offset = input.offset_bytes;
      const raw_bytes = (await input.read(4, 'the blocks: its end mark is missing')).readUInt32BE();
      if (raw_bytes === 0) break;
      if (raw_bytes > snappy_block_bytes_max)
        throw damaged(codec, `a block claims ${raw_bytes} bytes`, offset);
      for await (const part of readBlock(input, raw_bytes, snappy)) {
        checksum = crc32c(part, checksum);
        yield part;
      }
    }
    const offset = input.offset_bytes;
    const expected = (await input.read(4, 'its checksum')).readUInt32BE();
    if (expected !== checksum) throw damaged(codec, 'the checksum of all data is another one', offset);
    if (!(await input.isAtEnd())) throw damaged(codec, 'more follows after the end', input.offset_bytes);
  } finally {
    input.close();
  }
}
