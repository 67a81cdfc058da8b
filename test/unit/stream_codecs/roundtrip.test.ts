import { assert, asyncProperty, constantFrom, integer, nat, oneof, option, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codec_settings,
  isStreamCodec,
  type StreamCodec,
  stream_codec_names,
} from '../../../src/stream_codecs/codec_settings.js';
import { compressStream } from '../../../src/stream_codecs/stream_codec.js';
import { chunked, collect, compressAll, content, decompressAll, errorOf } from './support.js';

/** A program is started for each run of zstd where Node has none. */
const run_count: Record<StreamCodec, number> = {
  snappy: 60,
  'snappy-framed': 60,
  lz4: 60,
  zlib: 40,
  gzip: 40,
  zstd: 15,
};

/** Around the borders of blocks of this size, and of those of the formats. */
function sizes(block_bytes: number) {
  const borders = [1, 2, 3].flatMap((blocks) => [-1, 0, 1].map((by) => blocks * block_bytes + by));
  return oneof(constantFrom(0, 1, ...borders.filter((bytes) => bytes < 600_000)), nat(200_000));
}

describe.each(stream_codec_names)('%s', (codec) => {
  const { block_bytes, level } = codec_settings[codec];
  const usual_bytes = block_bytes?.usual ?? 131_072;

  it('gives back what it was given, in chunks of any size on both sides', async () => {
    const shape = record({
      bytes: sizes(usual_bytes),
      kind: constantFrom('zeros', 'text', 'random', 'mixed'),
      chunk_bytes: oneof(integer({ min: 1, max: 70_000 }), constantFrom(usual_bytes, 1_000_000)),
      compressed_chunk_bytes: integer({ min: 1, max: 70_000 }),
      block_bytes: option(constantFrom(64, 1_000, 65_536), { nil: undefined }),
    });
    await assert(
      asyncProperty(shape, async (given) => {
        const bytes = content(given.kind, given.bytes);
        // One-byte chunks of much data only take time.
        const chunk_bytes = Math.max(given.chunk_bytes, Math.ceil(bytes.length / 2_000));
        const options = block_bytes === undefined ? {} : { block_bytes: given.block_bytes };
        const compressed = await compressAll(codec, bytes, options, chunk_bytes);
        const compressed_chunk_bytes = Math.max(
          given.compressed_chunk_bytes,
          Math.ceil(compressed.length / 2_000),
        );
        const back = await decompressAll(codec, compressed, compressed_chunk_bytes);
        expect(back.equals(bytes)).toBe(true);
      }),
      { numRuns: run_count[codec] },
    );
  });

  it('takes single bytes on both sides', async () => {
    const bytes = content('mixed', 3_000);
    expect((await decompressAll(codec, await compressAll(codec, bytes, {}, 1), 1)).equals(bytes)).toBe(true);
  });

  it('writes the same whatever the chunks are', async () => {
    const bytes = content('mixed', 300_000);
    const once = await compressAll(codec, bytes);
    expect((await compressAll(codec, bytes, {}, 777)).equals(once)).toBe(true);
  });

  it('makes less of what can be compressed, and little more of what cannot', async () => {
    const bytes = 1_000_000;
    expect((await compressAll(codec, content('text', bytes))).length).toBeLessThan(bytes / 15);
    expect((await compressAll(codec, content('random', bytes))).length).toBeLessThan(bytes * 1.001 + 100);
  });

  it('takes the block sizes and levels that it has, and refuses others at once', async () => {
    const good = content('text', 5_000);
    for (const size of [block_bytes?.min, block_bytes?.max]) {
      if (size === undefined) continue;
      const compressed = await compressAll(codec, good, { block_bytes: size });
      expect((await decompressAll(codec, compressed)).equals(good)).toBe(true);
    }
    for (const chosen of [level?.min, level?.max]) {
      if (chosen === undefined) continue;
      const compressed = await compressAll(codec, good, { level: chosen });
      expect((await decompressAll(codec, compressed)).equals(good)).toBe(true);
    }
    for (const options of [
      { block_bytes: 0 },
      { block_bytes: 1e9 },
      { level: 0 },
      { level: 20 },
      { level: 1.5 },
    ]) {
      expect(() => compressStream(codec, chunked(good), options)).toThrow(/no (block size|level)/);
    }
  });
});

it('knows its codecs by name', () => {
  expect(stream_codec_names.every(isStreamCodec)).toBe(true);
  expect(isStreamCodec('none')).toBe(false);
});

it('says what the input seems to be if it is of another format', async () => {
  const bytes = content('text', 1_000);
  for (const made of ['snappy-framed', 'lz4', 'zlib', 'gzip', 'zstd'] as const) {
    const compressed = await compressAll(made, bytes);
    for (const read of stream_codec_names) {
      if (read === made) continue;
      const error = await errorOf(decompressAll(read, compressed));
      expect([error.code, error.hint]).toEqual([
        'CorruptData',
        `the input looks like ${made}: try that codec`,
      ]);
    }
  }
});

it('collects nothing from nothing', async () => {
  for (const codec of stream_codec_names) {
    const nothing = await collect(compressStream(codec, chunked(Buffer.alloc(0), 1)));
    expect(nothing.length).toBeGreaterThan(0);
    expect((await decompressAll(codec, nothing)).length).toBe(0);
  }
});
