import { crc32c } from '@node-rs/crc32';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { maskedChecksum } from '../../../src/stream_codecs/snappy_framed.js';
import { compressAll, content, decompressAll, errorOf } from './support.js';

const identifier = Buffer.from('ff060000734e61507059', 'hex');

function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function u32le(value: number): Buffer {
  return u32be(value).swap32();
}

function chunk(type: number, data: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(type);
  header.writeUIntLE(data.length, 1, 3);
  return Buffer.concat([header, data]);
}

const checksumOf = (data: Buffer): Buffer => u32le(maskedChecksum(crc32c(data)));
const stored = (data: Buffer): Buffer => chunk(1, Buffer.concat([checksumOf(data), data]));
const packed = (data: Buffer): Buffer => chunk(0, Buffer.concat([checksumOf(data), compressSync(data)]));

describe('snappy-framed', () => {
  it('masks checksums as the format says', () => {
    expect(crc32c('123456789')).toBe(0xe3069283);
    // ((crc >> 15) | (crc << 17)) + 0xa282ead8
    expect(maskedChecksum(0xe3069283)).toBe(0xc78ab0e5);
    expect(maskedChecksum(0)).toBe(0xa282ead8);
    expect(maskedChecksum(0xffffffff)).toBe(0xa282ead7);
  });

  it('writes its identifier first, and nothing else for nothing', async () => {
    expect(await compressAll('snappy-framed', Buffer.alloc(0))).toEqual(identifier);
  });

  it('stores what would shrink by less than an eighth, in chunks of at most 65536 bytes', async () => {
    const random = content('random', 70_000);
    const expected = [identifier, stored(random.subarray(0, 65_536)), stored(random.subarray(65_536))];
    expect((await compressAll('snappy-framed', random)).equals(Buffer.concat(expected))).toBe(true);
    const text = content('text', 70_000);
    const compressed = [identifier, packed(text.subarray(0, 65_536)), packed(text.subarray(65_536))];
    expect((await compressAll('snappy-framed', text)).equals(Buffer.concat(compressed))).toBe(true);
    // 92 % of it is random: snappy makes it smaller, but not by an eighth.
    const dense = Buffer.concat([content('random', 9_200), Buffer.alloc(800)]);
    expect(compressSync(dense).length).toBeLessThan(dense.length);
    expect(await compressAll('snappy-framed', dense)).toEqual(Buffer.concat([identifier, stored(dense)]));
  });

  it('takes chunks that may be skipped, padding, and the identifier again', async () => {
    const a = Buffer.from('first, ');
    const b = content('text', 65_536);
    const skipped = [
      chunk(0x80, Buffer.alloc(0)),
      chunk(0xfd, Buffer.alloc(3)),
      chunk(0xfe, Buffer.alloc(0xffffff)),
    ];
    const stream = Buffer.concat([identifier, ...skipped, stored(a), identifier, packed(b), ...skipped]);
    expect((await decompressAll('snappy-framed', stream, 50_001)).equals(Buffer.concat([a, b]))).toBe(true);
  });

  const one_more = content('text', 65_537);
  const refused: readonly (readonly [string, Buffer, string])[] = [
    ['a chunk of an unknown type', Buffer.concat([identifier, chunk(2, Buffer.alloc(0))]), 'unknown type 2'],
    ['another one', Buffer.concat([identifier, chunk(0x7f, Buffer.alloc(9))]), 'unknown type 127'],
    ['no identifier', stored(Buffer.from('a')), 'does not start with its identifier'],
    ['padding before the identifier', chunk(0xfe, Buffer.alloc(1)), 'does not start with its identifier'],
    [
      'an identifier of another length',
      chunk(0xff, Buffer.from('sNaPpY!')),
      'a stream identifier that is none',
    ],
    ['another identifier', chunk(0xff, Buffer.from('SnApPy')), 'a stream identifier that is none'],
    [
      'a chunk without room for its checksum',
      Buffer.concat([identifier, chunk(1, Buffer.alloc(3))]),
      'too short',
    ],
    ['a stored chunk that is too large', Buffer.concat([identifier, stored(one_more)]), 'claims 65541 bytes'],
    ['a compressed chunk that would be', Buffer.concat([identifier, packed(one_more)]), 'claims 65537 bytes'],
    [
      'a compressed chunk that is',
      Buffer.concat([identifier, chunk(0, Buffer.alloc(80_000))]),
      'claims 80000',
    ],
    [
      'a checksum that is not masked',
      Buffer.concat([identifier, chunk(1, Buffer.concat([u32le(crc32c('a')), Buffer.from('a')]))]),
      'checksum of a chunk',
    ],
  ];
  it.each(refused)('refuses %s', async (_name, stream, message) => {
    const error = await errorOf(decompressAll('snappy-framed', stream));
    expect([error.code, error.message]).toEqual(['CorruptData', expect.stringContaining(message)]);
  });
});

describe('snappy', () => {
  /** The layout of Hadoop: so many bytes, in these raw blocks. */
  const block = (bytes: number, ...parts: readonly Buffer[]): Buffer =>
    Buffer.concat([u32be(bytes), ...parts.flatMap((part) => [u32be(part.length), part])]);
  const end = (data: Buffer): Buffer => Buffer.concat([u32be(0), u32be(crc32c(data))]);

  it('writes blocks, an end mark, and a checksum of all', async () => {
    const data = content('mixed', 1_500);
    const first = data.subarray(0, 1_000);
    const last = data.subarray(1_000);
    const expected = [block(1_000, compressSync(first)), block(500, compressSync(last)), end(data)];
    expect((await compressAll('snappy', data, { block_bytes: 1_000 })).equals(Buffer.concat(expected))).toBe(
      true,
    );
    expect(await compressAll('snappy', Buffer.alloc(0))).toEqual(Buffer.alloc(8));
  });

  it('takes several raw blocks in one, as Hadoop may write them', async () => {
    const data = content('text', 3_000);
    const parts = [data.subarray(0, 2_000), data.subarray(2_000)].map((part) => compressSync(part));
    const stream = Buffer.concat([block(3_000, ...parts), end(data)]);
    expect((await decompressAll('snappy', stream, 100)).equals(data)).toBe(true);
  });

  const a = Buffer.from('a');
  const refused: readonly (readonly [string, Buffer, string])[] = [
    ['no end, as Hadoop leaves it', block(1, compressSync(a)), 'end mark is missing, after 11 bytes'],
    ['a block that claims 4 GiB', u32be(0xffffffff), 'claims 4294967295 bytes'],
    [
      'raw blocks that claim more',
      Buffer.concat([u32be(1), u32be(0x7fffffff)]),
      'claims 2147483647 compressed',
    ],
    [
      'a raw block of other size',
      Buffer.concat([block(1, compressSync(Buffer.alloc(2))), end(a)]),
      'of 2 bytes',
    ],
    ['an empty raw block', Buffer.concat([block(1, compressSync(Buffer.alloc(0))), end(a)]), 'of 0 bytes'],
    ['a raw block that is none', Buffer.concat([block(4, Buffer.from('04ff', 'hex')), end(a)]), 'cannot be'],
    [
      'another checksum',
      Buffer.concat([block(1, compressSync(a)), end(Buffer.from('b'))]),
      'checksum of all data',
    ],
    ['more behind it', Buffer.concat([block(1, compressSync(a)), end(a), u32be(0)]), 'more follows'],
  ];
  it.each(refused)('refuses %s', async (_name, stream, message) => {
    const error = await errorOf(decompressAll('snappy', stream));
    expect([error.code, error.message]).toEqual(['CorruptData', expect.stringContaining(message)]);
  });
});
