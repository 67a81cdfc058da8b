import { beforeAll, describe, expect, it } from 'vitest';
import type { StreamCodec } from '../../../src/stream_codecs/codec_settings.js';
import { type CompressOptions } from '../../../src/stream_codecs/stream_codec.js';
import { compressAll, content, decompressAll, errorOf } from '../../unit/stream_codecs/support.js';
import { needPrograms, pass, run } from './programs.js';

beforeAll(() => needPrograms('lz4', 'zstd', 'gzip', 'python3'));

/** Empty, small, at the borders of blocks of all sizes, and larger than all of them. */
const contents = [
  content('text', 0),
  content('text', 1),
  content('mixed', 65_536),
  content('random', 65_537),
  content('mixed', 262_145),
  content('zeros', 4 * 1024 ** 2 + 1),
  content('mixed', 5_000_000),
];

const python = (code: string): readonly [string, readonly string[]] => [
  'python3',
  ['-c', `import sys, zlib, gzip; sys.stdout.buffer.write(${code})`],
];

/** Programs that write what the codec is to read. */
const writers: readonly (readonly [StreamCodec, string, readonly string[]])[] = [
  ['lz4', 'lz4', ['-c']],
  ['lz4', 'lz4', ['-c', '-9', '-BD', '-B4']],
  ['lz4', 'lz4', ['-c', '-BD', '-B5', '-BX']],
  ['lz4', 'lz4', ['-c', '-BD', '-B7', '--no-frame-crc']],
  ['lz4', 'lz4', ['-c', '-BI', '-B6', '-BX', '--no-frame-crc']],
  ['lz4', 'lz4', ['-c', '--fast=9', '-BD', '-B4']],
  ['zlib', ...python('zlib.compress(sys.stdin.buffer.read())')],
  ['zlib', ...python('zlib.compress(sys.stdin.buffer.read(), 0)')],
  ['gzip', 'gzip', ['-c']],
  ['gzip', 'gzip', ['-c', '-9']],
  ['gzip', ...python('gzip.compress(sys.stdin.buffer.read())')],
  ['zstd', 'zstd', ['-c', '-q']],
  ['zstd', 'zstd', ['-c', '-q', '-19', '--no-check']],
  ['zstd', 'zstd', ['-c', '-q', '--long=27']],
];

describe.each(writers)('%s reads what is written by %s %j', (codec, program, args) => {
  it('for all contents', async () => {
    for (const bytes of contents) {
      const stream = await pass(program, args, bytes);
      expect((await decompressAll(codec, stream, 65_536)).equals(bytes)).toBe(true);
    }
  });

  it('several times, one after the other, where the format has that', async () => {
    const bytes = content('mixed', 100_000);
    const stream = await pass(program, args, bytes);
    const twice = decompressAll(codec, Buffer.concat([stream, stream]), 10_000);
    const outcome = await twice.then(
      (output) => output.equals(Buffer.concat([bytes, bytes])),
      (thrown: Error) => thrown.message.replace(/\d+/, 'N'),
    );
    expect(outcome).toBe(codec === 'zlib' ? 'zlib: more follows after the end, at input byte N' : true);
  });

  it('but not when it is cut', async () => {
    const stream = await pass(program, args, content('mixed', 300_000));
    for (const part of [0.01, 0.3, 0.5, 0.8, 0.999]) {
      const error = await errorOf(
        decompressAll(codec, stream.subarray(0, Math.floor(stream.length * part)), 65_536),
      );
      expect(error.message).toContain('ends too early');
    }
  });
});

/** Programs that read what the codec writes. */
const readers: readonly (readonly [StreamCodec, CompressOptions, string, readonly string[]])[] = [
  ['lz4', {}, 'lz4', ['-d', '-c']],
  ['lz4', { block_bytes: 65_536 }, 'lz4', ['-d', '-c']],
  ['lz4', { block_bytes: 1024 ** 2 }, 'lz4', ['-d', '-c']],
  ['lz4', { block_bytes: 4 * 1024 ** 2 }, 'lz4', ['-d', '-c']],
  ['zlib', {}, ...python('zlib.decompress(sys.stdin.buffer.read())')],
  ['zlib', { level: 9, block_bytes: 100 }, ...python('zlib.decompress(sys.stdin.buffer.read())')],
  ['gzip', {}, 'gzip', ['-d', '-c']],
  ['gzip', { level: 1 }, ...python('gzip.decompress(sys.stdin.buffer.read())')],
  ['zstd', {}, 'zstd', ['-d', '-c', '-q']],
  ['zstd', { level: 1 }, 'zstd', ['-d', '-c', '-q']],
];

it.each(readers)('%s %j is read by %s %j', async (codec, options, program, args) => {
  for (const bytes of contents) {
    const stream = await compressAll(codec, bytes, options, 100_000);
    expect((await pass(program, args, stream)).equals(bytes)).toBe(true);
  }
});

it('programs check the checksums that are written', async () => {
  const cases = [
    ['lz4', 'lz4', ['-t']],
    ['gzip', 'gzip', ['-t']],
    ['zstd', 'zstd', ['-t', '-q']],
  ] as const;
  for (const [codec, program, args] of cases) {
    const stream = await compressAll(codec, content('random', 1_000));
    expect((await run(program, args, stream)).code).toBe(0);
    stream.writeUInt8(stream.readUInt8(500) ^ 1, 500);
    expect((await run(program, args, stream)).code).not.toBe(0);
  }
});

it('legacy frames of lz4 are refused, with what reads them', async () => {
  const stream = await pass('lz4', ['-c', '-l'], content('mixed', 10_000));
  const error = await errorOf(decompressAll('lz4', stream));
  expect([error.code, error.hint]).toEqual(['CorruptData', 'decompress it with lz4 -d']);
});

it('zstd that needs more memory than is given is refused, with what reads it', async () => {
  const stream = await pass('zstd', ['-c', '-q', '--ultra', '-1', '--long=28'], content('mixed', 10_000));
  const error = await errorOf(decompressAll('zstd', stream));
  expect(error.hint).toBe('if you trust it, decompress it with zstd -d --long=31');
});
