/**
 * Streams of bytes compressed in formats that other programs know, in bounded memory: a chunk is asked of the source
 * only when more is wanted. What goes over links between nodes is another matter, see pipeline/codec.ts.
 */
import { chooseSetting, roundLz4Block, type StreamCodec } from './codec_settings.js';
import { compressDeflate, decompressDeflate } from './deflate_streams.js';
import { type Chunks, untilAborted, withTurns } from './flow.js';
import { compressLz4, decompressLz4 } from './lz4_frames.js';
import { Recognizer } from './recognizer.js';
import { compressSnappyBlocks, decompressSnappyBlocks } from './snappy_blocks.js';
import { compressSnappyFramed, decompressSnappyFramed } from './snappy_framed.js';
import { compressZstd, decompressZstd } from './zstd_streams.js';

export interface DecompressOptions {
  /** Bytes of the chunks that come out of zlib and gzip, at most; the other formats bring their own. */
  readonly block_bytes?: number | undefined;
  /** Ends the stream with an error, also while the source hangs. */
  readonly signal?: AbortSignal | undefined;
}

export interface CompressOptions extends DecompressOptions {
  /**
   * Bytes that are compressed at once: for snappy (65536), snappy-framed (65536, at most that) and lz4 (262144; rounded
   * up to 64 KiB, 256 KiB, 1 MiB or 4 MiB). For zlib and gzip (32768) bytes of the chunks that come out.
   */
  readonly block_bytes?: number | undefined;
  /** For zlib and gzip 1-9 (6), for zstd 1-19 (3). */
  readonly level?: number | undefined;
}

/**
 * Compresses a stream. The chunks may have any size, and are not changed; they are read before the next is asked for.
 *
 * @throws IcbdError at once: `InvalidArgument` for a block size or level that the codec does not have. From the stream:
 *   what the source throws, unchanged; `ProgramNotFound` for zstd where there is none; if the signal aborts, its
 *   reason or `Interrupted`
 */
export function compressStream(
  codec: StreamCodec,
  source: AsyncIterable<Buffer>,
  options: CompressOptions = {},
): Chunks {
  const block_bytes = chooseSetting(codec, 'block_bytes', options.block_bytes);
  const level = chooseSetting(codec, 'level', options.level);
  const input = untilAborted(source, options.signal, 'compress');
  const compress = (): AsyncIterable<Buffer> => {
    switch (codec) {
      case 'snappy':
        return compressSnappyBlocks(input, block_bytes);
      case 'snappy-framed':
        return compressSnappyFramed(input, block_bytes);
      case 'lz4':
        return compressLz4(input, roundLz4Block(block_bytes));
      case 'zlib':
      case 'gzip':
        return compressDeflate(codec, input, { block_bytes, level });
      case 'zstd':
        return compressZstd(input, level);
    }
  };
  return withTurns(compress(), options.signal, 'compress');
}

/**
 * Decompresses a stream. All of it is good only if the stream ends without an error: formats with a checksum at their
 * end give out what comes before it. lz4, gzip and zstd take several streams one after the other.
 *
 * Never ends well for input that is cut or damaged where the format can show it. It cannot: for snappy-framed, a cut
 * exactly between two chunks and one bit of each chunk (see there); a cut exactly between two streams; and damage in
 * frames of lz4 and zstd that somebody wrote without checksums.
 *
 * @throws IcbdError from the stream: `CorruptData` with what is wrong and the offset in the input; else as
 *   `compressStream`
 */
export function decompressStream(
  codec: StreamCodec,
  source: AsyncIterable<Buffer>,
  options: DecompressOptions = {},
): Chunks {
  const is_deflate = codec === 'zlib' || codec === 'gzip';
  const block_bytes = is_deflate ? chooseSetting(codec, 'block_bytes', options.block_bytes) : 0;
  const recognizer = new Recognizer(untilAborted(source, options.signal, 'decompress'));
  const input = recognizer.chunks();
  const decompress = (): AsyncIterable<Buffer> => {
    switch (codec) {
      case 'snappy':
        return decompressSnappyBlocks(input);
      case 'snappy-framed':
        return decompressSnappyFramed(input);
      case 'lz4':
        return decompressLz4(input);
      case 'zlib':
      case 'gzip':
        return decompressDeflate(codec, input, block_bytes);
      case 'zstd':
        return decompressZstd(input);
    }
  };
  return recognizer.explain(codec, withTurns(decompress(), options.signal, 'decompress'));
}
