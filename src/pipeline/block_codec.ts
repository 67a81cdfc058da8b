/** Codecs that compress each block on its own: a header of 5 bytes, then the block, compressed or as it was. */
import type { Codec } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';

export interface DecodeLimits {
  /** The most that one block may hold when decompressed, in bytes. */
  readonly block_bytes: number;
}

/** Byte 0: what follows; bytes 1-4: bytes of the decompressed block, little-endian. */
export const block_header_bytes = 5;
const kind_raw = 0;
const kind_compressed = 1;

export interface BlockHeader {
  readonly is_compressed: boolean;
  readonly raw_bytes: number;
}

export function corruptData(codec: Codec, message: string, cause?: unknown): IcbdError {
  return new IcbdError('CorruptData', message, { operation: 'decompress', subject: codec, cause });
}

/** Writes the header at the start of `target`. */
export function writeBlockHeader(target: Buffer, { is_compressed, raw_bytes }: BlockHeader): void {
  target.writeUInt8(is_compressed ? kind_compressed : kind_raw, 0);
  target.writeUInt32LE(raw_bytes, 1);
}

/** @throws IcbdError `CorruptData`, before anything is allocated */
export function readBlockHeader(codec: Codec, block: Buffer, limits: DecodeLimits): BlockHeader {
  if (block.length < block_header_bytes) throw corruptData(codec, 'a block ends inside its header');
  const kind = block.readUInt8(0);
  const raw_bytes = block.readUInt32LE(1);
  if (raw_bytes > limits.block_bytes) {
    throw corruptData(codec, `a block claims ${raw_bytes} bytes, more than ${limits.block_bytes}`);
  }
  if (kind !== kind_raw && kind !== kind_compressed) {
    throw corruptData(codec, `a block is of the unknown kind ${kind}`);
  }
  const data_bytes = block.length - block_header_bytes;
  const is_compressed = kind === kind_compressed;
  if (!is_compressed) checkSize(codec, data_bytes, raw_bytes);
  else if (data_bytes >= raw_bytes) throw corruptData(codec, 'a compressed block is not smaller');
  return { is_compressed, raw_bytes };
}

/** @throws IcbdError `CorruptData` */
export function checkSize(codec: Codec, bytes: number, raw_bytes: number): void {
  if (bytes === raw_bytes) return;
  throw corruptData(codec, `a block has ${bytes} bytes and not ${raw_bytes}`);
}

/** Runs what decompresses a block: any failure but our own means that the block is damaged. */
export async function orCorrupt<T>(codec: Codec, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof IcbdError) throw cause;
    throw corruptData(codec, `a block cannot be decompressed: ${String(cause)}`, cause);
  }
}
