import { describe, expect, it } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { type StreamCodec, stream_codec_names } from '../../../src/stream_codecs/codec_settings.js';
import { zstdWays } from '../../../src/pipeline/zstd_codec.js';
import { decompressStream } from '../../../src/stream_codecs/stream_codec.js';
import { decompressZstd } from '../../../src/stream_codecs/zstd_streams.js';
import { chunked, collect, compressAll, content, decompressAll, errorOf } from './support.js';

/** Small, with more than one block where the format has blocks, and both stored and compressed ones. */
const sample = Buffer.concat([content('text', 300), content('random', 90), content('zeros', 60)]);
const small_blocks: Readonly<Record<StreamCodec, { readonly block_bytes?: number }>> = {
  snappy: { block_bytes: 200 },
  'snappy-framed': { block_bytes: 200 },
  lz4: {},
  zlib: {},
  gzip: {},
  zstd: {},
};

/** Where the chunks of a framed stream begin and end: there it can be cut without a trace. */
function chunkBorders(stream: Buffer): number[] {
  const borders: number[] = [];
  for (let offset = 0; offset < stream.length; offset += 4 + stream.readUIntLE(offset + 1, 3)) {
    if (offset > 0) borders.push(offset);
  }
  return borders;
}

async function* inTurn(...chunks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* chunks;
}

type Outcome = 'error' | 'equal' | 'other';

async function outcomeOf(work: Promise<Buffer>, expected: Buffer): Promise<Outcome> {
  try {
    return (await work).equals(expected) ? 'equal' : 'other';
  } catch (thrown) {
    if (thrown instanceof IcbdError && thrown.code === 'CorruptData') return 'error';
    throw thrown;
  }
}

/** Where each try is a process: every ninth bit is one in each byte, and all places in a byte in turn. */
const is_costly = (codec: StreamCodec): boolean => codec === 'zstd' && zstdWays()[0] === 'program';

describe.each(stream_codec_names)('%s', (codec) => {
  it('finds that the stream was cut, wherever', { timeout: 120_000 }, async () => {
    const stream = await compressAll(codec, sample, small_blocks[codec]);
    const borders = codec === 'snappy-framed' ? chunkBorders(stream) : [];
    for (let length = 0; length < stream.length; length += is_costly(codec) ? 5 : 1) {
      if (borders.includes(length)) continue;
      const error = await errorOf(decompressAll(codec, stream.subarray(0, length)));
      expect([length, error.code]).toEqual([length, 'CorruptData']);
      expect(error.message).toMatch(/ends too early|input byte/);
    }
  });

  it('never gives other bytes for a stream with one bit flipped', { timeout: 240_000 }, async () => {
    const stream = await compressAll(codec, sample, small_blocks[codec]);
    const outcomes: Record<Outcome, number[]> = { error: [], equal: [], other: [] };
    for (let bit = 0; bit < stream.length * 8; bit += is_costly(codec) ? 9 : 1) {
      const flipped = Buffer.from(stream);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      outcomes[await outcomeOf(decompressAll(codec, flipped), sample)].push(bit);
    }
    // A chunk of data becomes one that readers must skip: nothing in the framing format can show that.
    const invisible = codec === 'snappy-framed' ? chunkBorders(stream).map((offset) => offset * 8 + 7) : [];
    expect(outcomes.other).toEqual(invisible);
    // What has no meaning for the data: a time or a system in gzip's header, a window of zlib and zstd.
    expect(outcomes.equal.length).toBeLessThanOrEqual(codec === 'gzip' ? 60 : 24);
  });

  it('finds what follows after the end', async () => {
    const stream = await compressAll(codec, sample);
    for (const more of [Buffer.from('x'), Buffer.from('more than one byte'), content('random', 100_000)]) {
      const error = await errorOf(decompressAll(codec, Buffer.concat([stream, more])));
      expect(error.code).toBe('CorruptData');
      const apart = collect(decompressStream(codec, inTurn(stream, more)));
      expect((await errorOf(apart)).code).toBe('CorruptData');
    }
  });

  it('refuses what is nothing at all, or anything else', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(1), Buffer.from('plain text, nothing else\n')]) {
      const error = await errorOf(decompressAll(codec, bytes));
      expect([error.code, error.operation, error.subject]).toEqual(['CorruptData', 'decompress', codec]);
      expect(error.hint).not.toBe('');
    }
  });
});

it('snappy-framed that is cut between two chunks gives what came before: the format cannot tell', async () => {
  const stream = await compressAll('snappy-framed', sample, { block_bytes: 200 });
  const borders = chunkBorders(stream);
  expect(borders).toHaveLength(3);
  const lengths = await Promise.all(
    borders.map(async (border) => (await decompressAll('snappy-framed', stream.subarray(0, border))).length),
  );
  expect(lengths).toEqual([0, 200, 400]);
});

describe.each(zstdWays())('zstd by %s', (way) => {
  it('finds cuts and flipped bits', { timeout: 60_000 }, async () => {
    const stream = await compressAll('zstd', sample);
    for (let length = 0; length < stream.length; length += 37) {
      const cut = collect(decompressZstd(chunked(stream.subarray(0, length)), way));
      expect((await errorOf(cut)).code).toBe('CorruptData');
    }
    for (let offset = 4; offset < stream.length; offset += 11) {
      const flipped = Buffer.from(stream);
      flipped.writeUInt8(flipped.readUInt8(offset) ^ 1, offset);
      const outcome = await outcomeOf(collect(decompressZstd(chunked(flipped), way)), sample);
      expect(outcome).not.toBe('other');
    }
  });
});
