/**
 * The descriptor of an LZ4 frame: what follows its magic number (lz4/lz4, doc/lz4_Frame_format.md, 1.6).
 *
 *     u8 flags, u8 block size, [u64 content size], [u32 dictionary], u8 checksum of all these
 */
import { xxh32 } from '@node-rs/xxhash';
import type { ByteInput } from './byte_input.js';
import { damaged, unsupported } from './damage.js';

const codec = 'lz4';
const inside = "a frame's descriptor";

const flag_version = 0b0100_0000;
const flag_independent = 0b0010_0000;
const flag_block_checksums = 0b0001_0000;
const flag_content_bytes = 0b0000_1000;
const flag_content_checksum = 0b0000_0100;
const flag_reserved = 0b0000_0010;
const flag_dictionary = 0b0000_0001;
const version_mask = 0b1100_0000;
/** In the byte of the block size only bits 4 to 6 are used. */
const block_reserved_mask = 0b1000_1111;
const block_id_min = 4;

/** The sizes that a frame's blocks can have at most; the first has the id 4. */
export const lz4_block_sizes_bytes: readonly number[] = [16, 18, 20, 22].map((bits) => 2 ** bits);

export interface Lz4Descriptor {
  readonly block_bytes_max: number;
  /** Blocks may copy from the 64 KiB before them. */
  readonly is_linked: boolean;
  readonly has_block_checksums: boolean;
  readonly has_content_checksum: boolean;
  /** Undefined if the frame does not tell. */
  readonly content_bytes: bigint | undefined;
}

function headerChecksum(descriptor: Buffer): number {
  return (xxh32(descriptor, 0) >>> 8) & 0xff;
}

/**
 * Independent blocks with their checksums, and one of the whole content. Block checksums cost next to nothing, and
 * with them damage is found before anything of the block goes out.
 * @param block_bytes one of `lz4_block_sizes_bytes`
 */
export function writeLz4Descriptor(block_bytes: number): Buffer {
  const flags = flag_version | flag_independent | flag_block_checksums | flag_content_checksum;
  const block_id = block_id_min + lz4_block_sizes_bytes.indexOf(block_bytes);
  const descriptor = Buffer.from([flags, block_id << 4]);
  return Buffer.concat([descriptor, Buffer.from([headerChecksum(descriptor)])]);
}

/** @throws IcbdError `CorruptData` */
export async function readLz4Descriptor(input: ByteInput): Promise<Lz4Descriptor> {
  const offset = input.offset_bytes;
  const sizes = Buffer.from(await input.read(2, inside));
  const flags = sizes.readUInt8(0);
  const block = sizes.readUInt8(1);
  if ((flags & version_mask) !== flag_version) throw damaged(codec, 'a frame of an unknown version', offset);
  const has_content_bytes = (flags & flag_content_bytes) !== 0;
  const has_dictionary = (flags & flag_dictionary) !== 0;
  const optional_bytes = (has_content_bytes ? 8 : 0) + (has_dictionary ? 4 : 0);
  const optional = Buffer.from(await input.read(optional_bytes, inside));
  const checksum = (await input.read(1, inside)).readUInt8();
  if (checksum !== headerChecksum(Buffer.concat([sizes, optional]))) {
    throw damaged(codec, "the checksum of a frame's descriptor is another one", offset);
  }
  const block_bytes_max = lz4_block_sizes_bytes[((block >> 4) & 7) - block_id_min];
  if ((flags & flag_reserved) !== 0 || (block & block_reserved_mask) !== 0 || block_bytes_max === undefined) {
    throw damaged(codec, "a frame's descriptor uses what is reserved", offset);
  }
  if (has_dictionary) {
    const hint = 'decompress it with lz4 -d -D and its dictionary';
    throw unsupported(codec, 'a frame that needs a dictionary', offset, hint);
  }
  return {
    block_bytes_max,
    is_linked: (flags & flag_independent) === 0,
    has_block_checksums: (flags & flag_block_checksums) !== 0,
    has_content_checksum: (flags & flag_content_checksum) !== 0,
    content_bytes: has_content_bytes ? optional.readBigUInt64LE() : undefined,
  };
}
