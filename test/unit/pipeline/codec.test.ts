import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, oneof, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codec_names, type Codec } from '../../../src/core/codecs.js';
import { limits } from '../../../src/core/limits.js';
import { IcbdError } from '../../../src/core/errors.js';
import { availableCodecs, decode, encode } from '../../../src/pipeline/codec.js';
import { block_header_bytes } from '../../../src/pipeline/block_codec.js';
import { decodeZstd, encodeZstd, zstdWays } from '../../../src/pipeline/zstd_codec.js';

/** A stream that starts a thread or a program costs more than its blocks. */
const run_count: Record<Codec, number> = { none: 60, snappy: 5, lz4: 5, zlib: 60, zstd: 12 };
const keep = () => undefined;
const block_codec_names = ['snappy', 'lz4', 'zlib'] as const;
const compressed_names = ['snappy', 'lz4', 'zlib', 'zstd'] as const;

async function* from(blocks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* blocks;
}

async function collect(blocks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const block of blocks) all.push(block);
  return all;
}

const encodeAll = (codec: Codec, blocks: readonly Buffer[]) => collect(encode(codec, from(blocks)));
const decodeAll = (codec: Codec, blocks: readonly Buffer[]) => collect(decode(codec, from(blocks), limits));

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'no error',
    (thrown: unknown) => (thrown instanceof IcbdError ? thrown.code : String(thrown)),
  );
}

/** Text-like or random bytes. */
function makeBlock(bytes: number, is_random: boolean): Buffer {
  return is_random ? randomBytes(bytes) : Buffer.alloc(bytes, 'a virtual machine image ');
}

it('finds every codec on this machine', async () => {
  expect(await availableCodecs()).toEqual([...codec_names]);
});

describe.each(codec_names)('%s', (codec) => {
  it('gives back what it was given, for blocks of any size and content', async () => {
    const block = tuple(
      oneof(constantFrom(0, 1, 4, 5, 6, 65_535, 65_536, limits.block_bytes), nat(200_000)),
      boolean(),
    );
    const runs = run_count[codec];
    await assert(
      asyncProperty(array(block, { maxLength: 6 }), async (shapes) => {
        const blocks = shapes.map(([bytes, is_random]) => makeBlock(bytes, is_random));
        const decoded = await decodeAll(codec, await encodeAll(codec, blocks));
        expect(Buffer.concat(decoded).equals(Buffer.concat(blocks))).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  it('does not grow what cannot be compressed by 0.1 %', async () => {
    const blocks = Array.from({ length: 4 }, () => randomBytes(limits.block_bytes));
    const encoded = await encodeAll(codec, blocks);
    const bytes = encoded.reduce((sum, block) => sum + block.length, 0);
    expect(bytes).toBeLessThan(4 * limits.block_bytes * 1.001);
    expect(Math.max(...encoded.map((block) => block.length))).toBeLessThanOrEqual(limits.data_frame_bytes);
  });

  it('ends the source when the consumer stops early', async () => {
    let is_ended = false;
    async function* endless(): AsyncGenerator<Buffer, void, undefined> {
      try {
        for (;;) yield randomBytes(300_000);
      } finally {
        is_ended = true;
      }
    }
    for await (const block of encode(codec, endless())) {
      expect(block.length).toBeGreaterThan(0);
      break;
    }
    await expect.poll(() => is_ended).toBe(true);
  });

  it('passes a failure of the source as it is', async () => {
    const failure = new IcbdError('LinkLost', 'gone', { operation: 'test' });
    async function* failing(blocks: readonly Buffer[]): AsyncGenerator<Buffer, void, undefined> {
      yield* blocks;
      throw failure;
    }
    const block = randomBytes(100_000);
    await expect(collect(encode(codec, failing([block])))).rejects.toBe(failure);
    const encoded = await encodeAll(codec, [block]);
    await expect(collect(decode(codec, failing(encoded), limits))).rejects.toBe(failure);
  });
});

describe.each(compressed_names)('%s', (codec) => {
  it('makes compressible data smaller', async () => {
    const encoded = await encodeAll(codec, [makeBlock(limits.block_bytes, false)]);
    expect(Buffer.concat(encoded).length).toBeLessThan(limits.block_bytes / 10);
  });

  it('refuses truncated input', async () => {
    const [first, ...rest] = await encodeAll(codec, [makeBlock(500_000, true)]);
    const encoded = Buffer.concat([first ?? Buffer.alloc(0), ...rest]);
    for (const keep of [1, block_header_bytes - 1, block_header_bytes + 3, encoded.length - 1]) {
      expect([keep, await codeOf(decodeAll(codec, [encoded.subarray(0, keep)]))]).toEqual([
        keep,
        'CorruptData',
      ]);
    }
  });

  it('refuses garbage', async () => {
    expect(await codeOf(decodeAll(codec, [Buffer.alloc(1000, 0x5a)]))).toBe('CorruptData');
  });

  it('never passes damaged input as a stream of another length', async () => {
    const block = Buffer.concat([makeBlock(50_000, false), randomBytes(50_000)]);
    const encoded = Buffer.concat(await encodeAll(codec, [block]));
    await assert(
      asyncProperty(nat(encoded.length - 1), integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(encoded);
        damaged[at] = (damaged[at] ?? 0) ^ mask;
        const outcome = await decodeAll(codec, [damaged]).then(
          (blocks) => Buffer.concat(blocks).length,
          (thrown: unknown) => (thrown instanceof IcbdError ? thrown.code : thrown),
        );
        expect([block.length, 'CorruptData']).toContain(outcome);
      }),
      { numRuns: run_count[codec] },
    );
  });
});

describe.each(block_codec_names)('%s', (codec) => {
  it('refuses a block that claims more than the limit, before it allocates', async () => {
    const [encoded] = await encodeAll(codec, [makeBlock(1000, false)]);
    const damaged = Buffer.from(encoded ?? Buffer.alloc(0));
    damaged.writeUInt32LE(limits.block_bytes + 1, 1);
    expect(await codeOf(decodeAll(codec, [damaged]))).toBe('CorruptData');
  });

  it('refuses a block whose content is larger than its header says', async () => {
    const [encoded] = await encodeAll(codec, [makeBlock(900_000, false)]);
    const damaged = Buffer.from(encoded ?? Buffer.alloc(0));
    damaged.writeUInt32LE(10, 1);
    expect(await codeOf(decodeAll(codec, [damaged]))).toBe('CorruptData');
  });

  it('keeps the order of blocks that take differently long, and gives each back once', async () => {
    const blocks = Array.from({ length: 40 }, (_, index) => {
      const block = makeBlock(index % 2 === 0 ? 1_000_000 : 10, index % 4 === 0);
      block.writeUInt32LE(index, 0);
      return block;
    });
    const recycled: Buffer[] = [];
    const encoded = await collect(encode(codec, from(blocks), (block) => recycled.push(block)));
    const order = (await decodeAll(codec, encoded)).map((block) => block.readUInt32LE(0));
    expect(order).toEqual(blocks.map((_, index) => index));
    expect(new Set(recycled)).toEqual(new Set(blocks));
    expect(recycled).toHaveLength(blocks.length);
  });
});

it('passes blocks of the codec none without a copy', async () => {
  const block = randomBytes(10);
  expect((await encodeAll('none', [block]))[0]).toBe(block);
  expect((await decodeAll('none', [block]))[0]).toBe(block);
});

const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');

describe.each(zstdWays())('zstd by %s', (way) => {
  it('speaks the format of the zstd program', async () => {
    const raw = Buffer.concat([makeBlock(700_000, false), randomBytes(700_000)]);
    const encoded = Buffer.concat(await collect(encodeZstd(from([raw]), keep, way)));
    const by_program = execFileSync('zstd', ['-d', '-c', '-q'], { input: encoded, maxBuffer: 10_000_000 });
    expect(digest(by_program)).toBe(digest(raw));
    const theirs = execFileSync('zstd', ['-3', '-c', '-q'], { input: raw, maxBuffer: 10_000_000 });
    expect(digest(Buffer.concat(await collect(decodeZstd(from([theirs]), keep, way))))).toBe(digest(raw));
  });

  it('refuses a stream that asks for more memory than the window', async () => {
    const raw = makeBlock(70 * 1024 * 1024, false);
    const long_window = execFileSync('zstd', ['-1', '--long=26', '-c', '-q'], { input: raw });
    expect(await codeOf(collect(decodeZstd(from([long_window]), keep, way)))).toBe('CorruptData');
  });
});
