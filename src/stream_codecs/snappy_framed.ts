/**
 * The codec `snappy-framed`: the framing format of snappy (google/snappy, framing_format.txt), file extension `.sz`.
 *
 * A stream is a row of chunks: u8 type, u24 little-endian length, data. Each chunk of data has its own checksum, so
 * damage is found before a byte of that chunk goes out. Two things the format cannot show: that a stream was cut exactly
 * between two chunks, since it has no end mark; and that the highest bit of a chunk's type was flipped, which makes it a
 * chunk that readers have to skip.
 */
import { ByteInput } from './byte_input.js';
import { damaged, truncated } from './damage.js';
import { type Chunks, inBlocks } from './flow.js';
import { compressedBytesMax, claimedBytes, loadRawSnappy, type RawSnappy, reasonOf } from './raw_snappy.js';

const codec = 'snappy-framed';
/** What a chunk of data may hold when decompressed, by the format. */
export const framed_chunk_bytes_max = 65_536;
const type_compressed = 0x00;
const type_uncompressed = 0x01;
const type_reserved_last = 0x7f;
const type_identifier = 0xff;
const signature = Buffer.from('sNaPpY');
const identifier = chunkOf(type_identifier, signature);
const checksum_bytes = 4;

type Crc32c = (data: Uint8Array) => number;

/** As the format wants it: turned by 15 bits and moved, since a CRC of data with CRCs in them is weak. */
export function maskedChecksum(crc: number): number {
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) >>> 0;
}

function chunkOf(type: number, ...parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(type);
  header.writeUIntLE(
    parts.reduce((sum, part) => sum + part.length, 0),
    1,
    3,
  );
  return Buffer.concat([header, ...parts]);
}

/** @param chunk_bytes at most 65536 */
export async function* compressSnappyFramed(source: AsyncIterable<Buffer>, chunk_bytes: number): Chunks {
  const { compress } = await loadRawSnappy();
  const { crc32c } = await import('@node-rs/crc32');
  yield identifier;
  for await (const data of inBlocks(source, chunk_bytes)) {
    const checksum = Buffer.alloc(checksum_bytes);
    checksum.writeUInt32LE(maskedChecksum(crc32c(data)));
    const compressed = compress(data);
    // The format's own measure: less than an eighth saved is not worth the reader's time.
    const is_smaller = compressed.length < data.length - data.length / 8;
    yield chunkOf(is_smaller ? type_compressed : type_uncompressed, checksum, is_smaller ? compressed : data);
  }
}

interface ChunkHeader {
  readonly type: number;
  readonly data_bytes: number;
  /** Where the chunk starts. */
  readonly offset_bytes: number;
}

/** What keeps a chunk of data from being held in memory, whatever it claims. */
function checkSize({ type, data_bytes, offset_bytes }: ChunkHeader): void {
  const most = type === type_compressed ? compressedBytesMax(framed_chunk_bytes_max) : framed_chunk_bytes_max;
  if (data_bytes < checksum_bytes)
    throw damaged(codec, 'a chunk is too short for its checksum', offset_bytes);
  if (data_bytes > checksum_bytes + most)
    throw damaged(codec, `a chunk claims ${data_bytes} bytes`, offset_bytes);
}

function decompressChunk({ offset_bytes }: ChunkHeader, data: Buffer, { decompress }: RawSnappy): Buffer {
  const claimed = claimedBytes(data) ?? 0;
  if (claimed > framed_chunk_bytes_max) throw damaged(codec, `a chunk claims ${claimed} bytes`, offset_bytes);
  try {
    return decompress(data, claimed);
  } catch (thrown) {
    throw damaged(codec, `a chunk cannot be decompressed: ${reasonOf(thrown)}`, offset_bytes, thrown);
  }
}

async function readData(
  input: ByteInput,
  header: ChunkHeader,
  snappy: RawSnappy,
  crc32c: Crc32c,
): Promise<Buffer> {
  checkSize(header);
  const chunk = await input.read(header.data_bytes, 'a chunk');
  const stored = chunk.subarray(checksum_bytes);
  const data = header.type === type_compressed ? decompressChunk(header, stored, snappy) : stored;
  if (maskedChecksum(crc32c(data)) !== chunk.readUInt32LE()) {
    throw damaged(codec, 'the checksum of a chunk is another one', header.offset_bytes);
  }
  return data;
}

async function readIdentifier(input: ByteInput, { data_bytes, offset_bytes }: ChunkHeader): Promise<void> {
  const is_it =
    data_bytes === signature.length &&
    (await input.read(data_bytes, 'the stream identifier')).equals(signature);
  if (!is_it) throw damaged(codec, 'a stream identifier that is none', offset_bytes);
}

async function readHeader(input: ByteInput): Promise<ChunkHeader> {
  const offset_bytes = input.offset_bytes;
  const bytes = await input.read(4, "a chunk's header");
  return { type: bytes.readUInt8(), data_bytes: bytes.readUIntLE(1, 3), offset_bytes };
}

export async function* decompressSnappyFramed(source: AsyncIterable<Buffer>): Chunks {
  const snappy = await loadRawSnappy();
  const { crc32c } = await import('@node-rs/crc32');
  const input = new ByteInput(source, codec);
  try {
    if (await input.isAtEnd()) throw truncated(codec, 'the stream identifier', 0);
    while (!(await input.isAtEnd())) {
      const header = await readHeader(input);
      const { type, offset_bytes, data_bytes } = header;
      if (offset_bytes === 0 && type !== type_identifier) {
        throw damaged(codec, 'the stream does not start with its identifier', 0);
      }
      if (type === type_identifier) await readIdentifier(input, header);
      else if (type <= type_uncompressed) yield await readData(input, header, snappy, crc32c);
      else if (type > type_reserved_last) await input.passOver(data_bytes, 'a chunk to skip');
      else throw damaged(codec, `a chunk of the unknown type ${type} that must not be skipped`, offset_bytes);
    }
  } finally {
    input.close();
  }
}
