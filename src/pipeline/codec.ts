import type { Codec } from '../core/codecs.js';
import type { DecodeLimits } from './block_codec.js';
import { type RecyclingBlocks, withRecycle } from './recycling_blocks.js';
import { decodeInThread, encodeInThread } from './thread_codec.js';
import { decodeZlib, encodeZlib } from './zlib_codec.js';
import { decodeZstd, encodeZstd, zstdWays } from './zstd_codec.js';

/** The codecs that work on this machine. */
export async function availableCodecs(): Promise<Codec[]> {
  const always: Codec[] = ['none', 'snappy', 'lz4', 'zlib'];
  return zstdWays().length === 0 ? always : [...always, 'zstd'];
}

const keep = (): void => undefined;

/**
 * Compresses blocks of a stream, each of at most `limits.block_bytes`; each one that comes out is to be handed to
 * `decode` as it is, in order. `none` passes the blocks themselves. Data that cannot be compressed grows by less
 * than 0.1 %.
 *
 * @param recycle given each block as soon as its content is no longer needed; with `none`, when the block that came
 *   out is given back
 * @throws IcbdError `ProgramNotFound` for zstd where there is none; what the blocks throw, unchanged
 */
export function encode(
  codec: Codec,
  blocks: AsyncIterable<Buffer>,
  recycle: (block: Buffer) => void = keep,
): RecyclingBlocks {
  if (codec === 'none') return withRecycle(blocks, recycle);
  if (codec === 'zstd') return encodeZstd(blocks, recycle);
  return codec === 'zlib' ? withRecycle(encodeZlib(blocks, recycle)) : encodeInThread(codec, blocks, recycle);
}

/**
 * The reverse of `encode`. Blocks of a compressed stream never come out larger than `limits.block_bytes`,
 * whatever the input claims.
 *
 * @param recycle as in `encode`
 * @throws IcbdError `CorruptData` for input that `encode` did not make; `ProgramNotFound`; what the blocks throw
 */
export function decode(
  codec: Codec,
  blocks: AsyncIterable<Buffer>,
  limits: DecodeLimits,
  recycle: (block: Buffer) => void = keep,
): RecyclingBlocks {
  if (codec === 'none') return withRecycle(blocks, recycle);
  if (codec === 'zstd') return decodeZstd(blocks, recycle);
  return codec === 'zlib'
    ? withRecycle(decodeZlib(blocks, limits, recycle))
    : decodeInThread(codec, blocks, limits, recycle);
}
