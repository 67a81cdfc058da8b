/** Streams for the tests of the stream codecs. */
import { IcbdError } from '../../../src/core/errors.js';
import type { StreamCodec } from '../../../src/stream_codecs/codec_settings.js';
import {
  type CompressOptions,
  compressStream,
  decompressStream,
} from '../../../src/stream_codecs/stream_codec.js';
import { randomFrom } from '../../support/random.js';

/** The bytes in chunks of `chunk_bytes`, each in memory of its own that is overwritten when the next is asked for. */
export async function* chunked(
  bytes: Buffer,
  chunk_bytes = bytes.length,
): AsyncGenerator<Buffer, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += chunk_bytes) {
    yield Buffer.from(bytes.subarray(offset, offset + chunk_bytes));
  }
}

export async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(Buffer.from(chunk));
  return Buffer.concat(all);
}

export function compressAll(
  codec: StreamCodec,
  bytes: Buffer,
  options: CompressOptions = {},
  chunk_bytes?: number,
): Promise<Buffer> {
  return collect(compressStream(codec, chunked(bytes, chunk_bytes), options));
}

export function decompressAll(codec: StreamCodec, bytes: Buffer, chunk_bytes?: number): Promise<Buffer> {
  return collect(decompressStream(codec, chunked(bytes, chunk_bytes)));
}

/** What the work failed with; fails itself if it went well, or with anything but an `IcbdError`. */
export async function errorOf(work: Promise<unknown>): Promise<IcbdError> {
  const thrown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (thrown instanceof IcbdError) return thrown;
  throw thrown instanceof Error ? thrown : new Error(`no error, but ${String(thrown)}`);
}

export type Content = 'zeros' | 'text' | 'random' | 'mixed';

/** Always the same bytes for the same arguments. */
export function content(kind: Content, bytes: number): Buffer {
  if (kind === 'zeros') return Buffer.alloc(bytes);
  if (kind === 'text') return Buffer.alloc(bytes, 'an image is a row of snapshots; ');
  const random = randomFrom(bytes);
  const made = Buffer.alloc(bytes, 'blocks that repeat, and ');
  for (let index = 0; index < bytes; index += 1) {
    const is_random = kind === 'random' || Math.floor(index / 700) % 2 === 0;
    if (is_random) made[index] = random.between(0, 255);
  }
  return made;
}
