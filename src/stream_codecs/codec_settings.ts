/** The stream codecs, and what can be set for each. */
import { IcbdError } from '../core/errors.js';
import { lz4_block_sizes_bytes } from './lz4_descriptor.js';
import { snappy_block_bytes_max } from './snappy_blocks.js';
import { framed_chunk_bytes_max } from './snappy_framed.js';

export const stream_codec_names = ['snappy', 'snappy-framed', 'lz4', 'zlib', 'gzip', 'zstd'] as const;
export type StreamCodec = (typeof stream_codec_names)[number];

export function isStreamCodec(name: string): name is StreamCodec {
  return (stream_codec_names as readonly string[]).includes(name);
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

interface Settings {
  /** Bytes; undefined if there is nothing to set. */
  readonly block_bytes?: Range;
  readonly level?: Range;
}

const deflate: Settings = {
  block_bytes: { min: 64, max: 16 * 1024 * 1024, usual: 32_768 },
  level: { min: 1, max: 9, usual: 6 },
};

/** What is usual for snappy and zlib is so since the original system; for lz4 it was measured. */
export const codec_settings: Readonly<Record<StreamCodec, Settings>> = {
  snappy: { block_bytes: { min: 1, max: snappy_block_bytes_max, usual: 65_536 } },
  'snappy-framed': { block_bytes: { min: 1, max: framed_chunk_bytes_max, usual: framed_chunk_bytes_max } },
  lz4: { block_bytes: { min: 1, max: lz4_block_sizes_bytes.at(-1) ?? 0, usual: 256 * 1024 } },
  zlib: deflate,
  gzip: deflate,
  // Beyond level 19 the reader needs more memory than is usual.
  zstd: { level: { min: 1, max: 19, usual: 3 } },
};

/**
 * What was chosen, or what is usual.
 * @returns 0 if the codec has no such setting and none was chosen
 * @throws IcbdError `InvalidArgument`
 */
export function chooseSetting(codec: StreamCodec, name: keyof Settings, chosen: number | undefined): number {
  const range = codec_settings[codec][name];
  if (chosen === undefined) return range?.usual ?? 0;
  const what = name === 'level' ? 'level' : 'block size';
  const is_good =
    range !== undefined && Number.isInteger(chosen) && chosen >= range.min && chosen <= range.max;
  if (is_good) return chosen;
  throw new IcbdError(
    'InvalidArgument',
    range === undefined ? `${codec} has no ${what}` : `${chosen} is no ${what} for ${codec}`,
    {
      operation: 'choose a codec',
      subject: codec,
      hint: range === undefined ? 'leave it out' : `give a whole number from ${range.min} to ${range.max}`,
    },
  );
}

/** The smallest of the format's block sizes that is not smaller. */
export function roundLz4Block(block_bytes: number): number {
  return lz4_block_sizes_bytes.find((bytes) => bytes >= block_bytes) ?? Math.max(...lz4_block_sizes_bytes);
}
