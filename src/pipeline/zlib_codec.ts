/**
 * Blocks in the zlib format (RFC 1950), with its checksum, in the threads of Node's pool: zlib is slow enough that
 * more than one of them helps. Level 1: the others cost far more than they save.
 */
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import {
  block_header_bytes,
  checkSize,
  type DecodeLimits,
  orCorrupt,
  readBlockHeader,
  writeBlockHeader,
} from './block_codec.js';
import { mapOrdered } from './ordered.js';

const deflateAsync = promisify(deflate);
const inflateAsync = promisify(inflate);
const parallel_blocks = 3;

/** @param recycle given each block when it is no longer needed */
export function encodeZlib(
  blocks: AsyncIterable<Buffer>,
  recycle: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  return mapOrdered(blocks, parallel_blocks, async (block) => {
    const compressed = await deflateAsync(block, { level: 1, chunkSize: 256 * 1024 });
    const is_compressed = compressed.length < block.length;
    const header = Buffer.allocUnsafe(block_header_bytes);
    writeBlockHeader(header, { is_compressed, raw_bytes: block.length });
    const encoded = Buffer.concat([header, is_compressed ? compressed : block]);
    recycle(block);
    return encoded;
  });
}

/**
 * @param recycle given each block when it is no longer needed
 * @throws IcbdError `CorruptData`
 */
export function decodeZlib(
  blocks: AsyncIterable<Buffer>,
  limits: DecodeLimits,
  recycle: (block: Buffer) => void,
): AsyncGenerator<Buffer, void, undefined> {
  return mapOrdered(blocks, parallel_blocks, async (block) => {
    const { is_compressed, raw_bytes } = readBlockHeader('zlib', block, limits);
    const data = block.subarray(block_header_bytes);
    const sizes = { maxOutputLength: raw_bytes, chunkSize: Math.max(raw_bytes, 64) };
    const output = is_compressed ? await orCorrupt('zlib', inflateAsync(data, sizes)) : Buffer.from(data);
    checkSize('zlib', output.length, raw_bytes);
    recycle(block);
    return output;
  });
}
