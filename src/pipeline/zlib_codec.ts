import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { BlockCodec } from './block_codec.js';

const deflateAsync = promisify(deflate);
const inflateAsync = promisify(inflate);

/** Blocks in the zlib format (RFC 1950), with its checksum. Level 1: the others cost far more than they save. */
export const zlib_codec: BlockCodec = {
  name: 'zlib',
  compress: (block) => deflateAsync(block, { level: 1, chunkSize: 256 * 1024 }),
  decompress: (data, raw_bytes) =>
    inflateAsync(data, { maxOutputLength: Math.max(raw_bytes, 1), chunkSize: Math.max(raw_bytes, 64) }),
};
