/** The codecs `zlib` (RFC 1950) and `gzip` (RFC 1952), by Node. */
import { createDeflate, createGunzip, createGzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import { IcbdError } from '../core/errors.js';
import { convert } from '../pipeline/converter.js';
import { damaged, damagedWithin, truncated } from './damage.js';
import type { Chunks } from './flow.js';
import { nodeConverter } from '../pipeline/node_converter.js';
import { WatchedSource } from './watched_source.js';
import { reasonOf } from './raw_snappy.js';

export type DeflateCodec = 'zlib' | 'gzip';

const keep = (): void => undefined;

export function compressDeflate(
  codec: DeflateCodec,
  source: AsyncIterable<Buffer>,
  options: { readonly block_bytes: number; readonly level: number },
): Chunks {
  const { block_bytes: chunkSize, level } = options;
  const stream = codec === 'zlib' ? createDeflate({ chunkSize, level }) : createGzip({ chunkSize, level });
  return convert(source, nodeConverter(stream), keep);
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/**
 * The chunks as they go into the decompressor, until it says that the data have ended: Node ignores what follows.
 * Zeros may follow after gzip, as on tapes and as gzip itself takes them.
 */
async function* untilEnd(
  codec: DeflateCodec,
  chunks: AsyncIterable<Buffer>,
  stream: Inflate | Gunzip,
): Chunks {
  let given_bytes = 0;
  const check = (rest: Buffer, offset: number): void => {
    if (codec !== 'gzip' || !isZero(rest)) throw damaged(codec, 'more follows after the end', offset);
  };
  for await (const chunk of chunks) {
    // It took less than it was given: there the end was.
    const is_over = stream.bytesWritten < given_bytes;
    if (is_over) {
      check(chunk, given_bytes);
      continue;
    }
    yield chunk;
    given_bytes += chunk.length;
    const left_bytes = given_bytes - stream.bytesWritten;
    if (left_bytes > 0) check(chunk.subarray(-left_bytes), stream.bytesWritten);
  }
}

/** @throws IcbdError `CorruptData` */
export async function* decompressDeflate(
  codec: DeflateCodec,
  source: AsyncIterable<Buffer>,
  chunk_bytes: number,
): Chunks {
  const options = { chunkSize: chunk_bytes };
  const stream = codec === 'zlib' ? createInflate(options) : createGunzip(options);
  const watched = new WatchedSource(source);
  try {
    yield* convert(untilEnd(codec, watched.chunks(), stream), nodeConverter(stream), keep);
  } catch (thrown) {
    if (watched.failure !== undefined || thrown instanceof IcbdError) throw thrown;
    throw failureOf(codec, watched, thrown);
  }
  // Node takes nothing at all for the whole of nothing.
  if (watched.after_bytes === 0) throw truncated(codec, 'the header', 0);
}

function failureOf(codec: DeflateCodec, watched: WatchedSource, thrown: unknown): IcbdError {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  if (code === 'Z_BUF_ERROR') return truncated(codec, 'the data', watched.after_bytes);
  const where = { start_bytes: watched.before_bytes, end_bytes: watched.after_bytes };
  return damagedWithin(codec, reasonOf(thrown), where, thrown);
}
