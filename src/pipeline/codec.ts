import type { Codec } from '../core/codecs.js';
import { type BlockCodec, type DecodeLimits, decodeBlocks, encodeBlocks } from './block_codec.js';
import { lz4_codec } from './lz4_codec.js';
import { snappy_codec } from './snappy_codec.js';
import { zlib_codec } from './zlib_codec.js';
import { decodeZstd, encodeZstd, zstdWays } from './zstd_codec.js';

const block_codecs: Record<Exclude<Codec, 'none' | 'zstd'>, BlockCodec> = {
  snappy: snappy_codec,
  lz4: lz4_codec,
  zlib: zlib_codec,
};

/** The codecs that work on this machine. */
export async function availableCodecs(): Promise<Codec[]> {
  const always: Codec[] = ['none', 'snappy', 'lz4', 'zlib'];
  return zstdWays().length === 0 ? always : [...always, 'zstd'];
}

/**
 * Compresses blocks of a stream; each one that comes out is to be handed to `decode` as it is, in order.
 * `none` passes the blocks themselves. Data that cannot be compressed grows by less than 0.1 %.
 *
 * @param recycle given each block as soon as its content is no longer needed; with `none`, never, for the
 *   block itself has gone on
 * @throws IcbdError `ProgramNotFound` for zstd where there is none; what the blocks throw, unchanged
 */
export function encode(
  codec: Codec,
  blocks: AsyncIterable<Buffer>,
  recycle?: (block: Buffer) => void,
): AsyncIterable<Buffer> {
  if (codec === 'none') return blocks;
  return codec === 'zstd' ? encodeZstd(blocks) : encodeBlocks(block_codecs[codec], blocks, recycle);
}

/**
 * The reverse of `encode`. Blocks of a compressed stream never come out larger than `limits.block_bytes`,
 * whatever the input claims.
 *
 * @throws IcbdError `CorruptData` for input that `encode` did not make; `ProgramNotFound`; what the blocks throw
 */
export function decode(
  codec: Codec,
  blocks: AsyncIterable<Buffer>,
  limits: DecodeLimits,
): AsyncIterable<Buffer> {
  if (codec === 'none') return blocks;
  return codec === 'zstd' ? decodeZstd(blocks) : decodeBlocks(block_codecs[codec], blocks, limits);
}
