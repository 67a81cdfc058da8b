/** Codecs that compress each block on its own: a header of 5 bytes, then the block, compressed or as it was. */
import type { Codec } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { mapOrdered } from './ordered.js';

export interface BlockCodec {
  readonly name: Codec;
  /** Off the main thread. */
  compress(block: Buffer): Promise<Buffer>;
  /**
   * Off the main thread; must not allocate more than `raw_bytes` for the result, whatever the input claims.
   * Any error it throws means that the input is damaged.
   */
  decompress(data: Buffer, raw_bytes: number): Promise<Buffer>;
}

export interface DecodeLimits {
  /** The most that one block may hold when decompressed, in bytes. */
  readonly block_bytes: number;
}

/** Byte 0: what follows; bytes 1-4: bytes of the decompressed block, little-endian. */
export const block_header_bytes = 5;
const kind_raw = 0;
const kind_compressed = 1;
/** Threads that work on one stream: more do not help, since one core is busy with the file system. */
const parallel_blocks = 3;

export function corruptData(codec: Codec, message: string, cause?: unknown): IcbdError {
  return new IcbdError('CorruptData', message, { operation: 'decompress', subject: codec, cause });
}

/** @param recycle given each block when it is no longer needed */
export function encodeBlocks(
  codec: BlockCodec,
  blocks: AsyncIterable<Buffer>,
  recycle?: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  return mapOrdered(blocks, parallel_blocks, async (block) => {
    const compressed = await codec.compress(block);
    const is_smaller = compressed.length < block.length;
    const header = Buffer.allocUnsafe(block_header_bytes);
    header.writeUInt8(is_smaller ? kind_compressed : kind_raw, 0);
    header.writeUInt32LE(block.length, 1);
    const encoded = Buffer.concat([header, is_smaller ? compressed : block]);
    recycle?.(block);
    return encoded;
  });
}

/** @throws IcbdError `CorruptData` */
export function decodeBlocks(
  codec: BlockCodec,
  blocks: AsyncIterable<Buffer>,
  limits: DecodeLimits,
): AsyncGenerator<Buffer, void, undefined> {
  return mapOrdered(blocks, parallel_blocks, (block) => decodeBlock(codec, block, limits));
}

async function decodeBlock(codec: BlockCodec, block: Buffer, limits: DecodeLimits): Promise<Buffer> {
  if (block.length < block_header_bytes) throw corruptData(codec.name, 'a block ends inside its header');
  const kind = block.readUInt8(0);
  const raw_bytes = block.readUInt32LE(1);
  const data = block.subarray(block_header_bytes);
  if (raw_bytes > limits.block_bytes) {
    throw corruptData(codec.name, `a block claims ${raw_bytes} bytes, more than ${limits.block_bytes}`);
  }
  if (kind !== kind_raw && kind !== kind_compressed) {
    throw corruptData(codec.name, `a block is of the unknown kind ${kind}`);
  }
  const output = kind === kind_raw ? data : await decompress(codec, data, raw_bytes);
  if (output.length !== raw_bytes) {
    throw corruptData(codec.name, `a block has ${output.length} bytes and not ${raw_bytes}`);
  }
  return output;
}

async function decompress(codec: BlockCodec, data: Buffer, raw_bytes: number): Promise<Buffer> {
  try {
    return await codec.decompress(data, raw_bytes);
  } catch (cause) {
    throw corruptData(codec.name, `a block cannot be decompressed: ${String(cause)}`, cause);
  }
}
