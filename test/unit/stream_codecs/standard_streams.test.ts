import { deflateSync, gzipSync, inflateSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { zstdWays } from '../../../src/pipeline/zstd_codec.js';
import { decompressZstd } from '../../../src/stream_codecs/zstd_streams.js';
import { chunked, collect, compressAll, content, decompressAll, errorOf } from './support.js';

const a = content('mixed', 40_000);
const b = content('text', 1_000);

describe('gzip', () => {
  it('takes several members, wherever the chunks end, and zeros behind them', async () => {
    const first = gzipSync(a);
    const members = Buffer.concat([first, gzipSync(Buffer.alloc(0)), gzipSync(b)]);
    const expected = Buffer.concat([a, b]);
    for (const chunk_bytes of [1, 7, first.length, first.length - 1, first.length + 1, 1_000_000]) {
      expect((await decompressAll('gzip', members, chunk_bytes)).equals(expected)).toBe(true);
    }
    const padded = Buffer.concat([members, Buffer.alloc(70_000)]);
    for (const chunk_bytes of [100, members.length, 65_536, 1_000_000]) {
      expect((await decompressAll('gzip', padded, chunk_bytes)).equals(expected)).toBe(true);
    }
  });

  it('finds a later member that is cut, and what stands behind zeros', async () => {
    const first = gzipSync(a);
    const second = gzipSync(b);
    const members = Buffer.concat([first, second]);
    for (let length = first.length + 1; length < members.length; length += 1) {
      const error = await errorOf(decompressAll('gzip', members.subarray(0, length), 1_000));
      expect(error.code).toBe('CorruptData');
    }
    for (const chunk_bytes of [1, 10, first.length, 1_000_000]) {
      const stream = Buffer.concat([first, Buffer.alloc(20), second]);
      const error = await errorOf(decompressAll('gzip', stream, chunk_bytes));
      expect(error.message).toContain('more follows after the end');
    }
  });

  it('is what Node reads', async () => {
    expect(gunzipSync(await compressAll('gzip', a)).equals(a)).toBe(true);
  });
});

describe('zlib', () => {
  it('is what Node reads and writes', async () => {
    expect(inflateSync(await compressAll('zlib', a, { level: 9 })).equals(a)).toBe(true);
    expect((await decompressAll('zlib', deflateSync(a), 13)).equals(a)).toBe(true);
  });

  it('tells a wrong checksum, and where', async () => {
    const stream = deflateSync(a);
    stream.writeUInt8(stream.readUInt8(stream.length - 1) ^ 1, stream.length - 1);
    const { message } = await errorOf(decompressAll('zlib', stream, 1_000));
    const start_bytes = Math.floor((stream.length - 1) / 1_000) * 1_000;
    expect(message).toContain(
      `incorrect data check, between input bytes ${start_bytes} and ${stream.length}`,
    );
  });

  it('refuses a dictionary and a second stream', async () => {
    const with_dictionary = deflateSync(a, { dictionary: Buffer.from('blocks that repeat, and ') });
    expect((await errorOf(decompressAll('zlib', with_dictionary))).message).toContain('ictionary');
    const twice = Buffer.concat([deflateSync(b), deflateSync(b)]);
    expect((await errorOf(decompressAll('zlib', twice))).message).toContain('more follows after the end');
  });
});

describe('zstd', () => {
  /** One raw block, last: what RFC 8878 calls a single segment of one byte. */
  const tiny = Buffer.from('28b52ffd200109000061', 'hex');

  it('takes several frames, and frames to skip', async () => {
    const skipped = Buffer.concat([Buffer.from('5f2a4d1803000000', 'hex'), Buffer.alloc(3)]);
    const stream = Buffer.concat([skipped, tiny, await compressAll('zstd', a), skipped, tiny]);
    const expected = Buffer.concat([Buffer.from('a'), a, Buffer.from('a')]);
    for (const chunk_bytes of [1_000, 1_000_000]) {
      expect((await decompressAll('zstd', stream, chunk_bytes)).equals(expected)).toBe(true);
    }
    expect((await decompressAll('zstd', Buffer.concat([tiny, tiny]), 1)).toString()).toBe('aa');
    for (const way of zstdWays()) {
      expect((await collect(decompressZstd(chunked(stream, 999), way))).equals(expected)).toBe(true);
      const cut = collect(decompressZstd(chunked(stream.subarray(0, -1)), way));
      expect((await errorOf(cut)).message).toContain('ends too early');
    }
  });

  const refused: readonly (readonly [string, string, string])[] = [
    ['more memory than is given', '28b52ffd00c0', 'more than 128 MiB'],
    ['more memory than is given, in one segment', '28b52ffda001000010', 'more than 128 MiB'],
    ['so much that it hardly fits in the field', '28b52ffde0ffffffffffffffff', 'more than 128 MiB'],
    ['a dictionary', '28b52ffd210701', 'needs a dictionary'],
    ['a reserved bit', '28b52ffd28', 'reserved'],
    ['a block of an unknown type', '28b52ffd20010f0000', 'unknown type'],
    ['a block that is too large', '28b52ffd0058080010', 'claims 131073'],
    ['only a frame to skip', '502a4d1800000000', 'before the first frame'],
  ];
  it.each(refused)('refuses %s', async (_name, hex, message) => {
    const error = await errorOf(decompressAll('zstd', Buffer.from(hex, 'hex')));
    expect([error.code, error.message]).toEqual(['CorruptData', expect.stringContaining(message)]);
  });
});
