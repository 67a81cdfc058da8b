import { randomBytes } from 'node:crypto';
import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, oneof, tuple } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/core/limits.js';
import { CodecThread } from '../../../src/pipeline/codec_thread.js';
import { decode, encode } from '../../../src/pipeline/codec.js';

const slot_bytes = limits.block_bytes + 5;
const offset_bytes = 5;

/** Text-like or random bytes, or both. */
function makeBlock(bytes: number, is_random: boolean): Buffer {
  const block = Buffer.alloc(bytes, 'a virtual machine image ');
  if (is_random) randomBytes(Math.ceil(bytes / 2)).copy(block);
  return block;
}

function overwrite(block: Buffer): void {
  block.fill(0xee);
}

describe.each(['lz4', 'snappy'] as const)('a thread for %s', (codec) => {
  let compressor: CodecThread;
  let decompressor: CodecThread;
  beforeEach(() => {
    compressor = new CodecThread({ codec, direction: 'compress' }, { slots: 2, slot_bytes });
    decompressor = new CodecThread({ codec, direction: 'decompress' }, { slots: 2, slot_bytes });
  });
  afterEach(async () => {
    await compressor.stop();
    await decompressor.stop();
  });

  async function compress(block: Buffer): Promise<Buffer | undefined> {
    block.copy(compressor.slot(1), offset_bytes);
    const order = { slot: 1, offset_bytes, data_bytes: block.length, raw_bytes: block.length };
    const bytes = await compressor.convert(order);
    if (bytes === undefined) return undefined;
    return Buffer.from(compressor.slot(1).subarray(offset_bytes, offset_bytes + bytes));
  }

  async function decompress(data: Buffer, raw_bytes: number): Promise<Buffer> {
    data.copy(decompressor.slot(0));
    const order = { slot: 0, offset_bytes: 0, data_bytes: data.length, raw_bytes };
    const bytes = await decompressor.convert(order);
    return Buffer.from(decompressor.slot(0).subarray(0, bytes));
  }

  it('gives back any block, or leaves it as it is when it would not be smaller', async () => {
    const bytes = oneof(constantFrom(0, 1, 65_535, 65_536, 65_537, limits.block_bytes), nat(400_000));
    await assert(
      asyncProperty(tuple(bytes, boolean()), async ([size, is_random]) => {
        const block = makeBlock(size, is_random);
        const compressed = await compress(block);
        const left = compressor.slot(1).subarray(offset_bytes, offset_bytes + size);
        const result = compressed === undefined ? left : await decompress(compressed, size);
        expect(compressed?.length ?? -1).toBeLessThan(size);
        expect(result.equals(block)).toBe(true);
      }),
      { numRuns: 80 },
    );
    expect(await compress(randomBytes(limits.block_bytes))).toBeUndefined();
  });

  it('refuses damaged data or gives as much as was claimed, and works on', async () => {
    const block = makeBlock(150_000, true);
    const compressed = (await compress(block)) ?? Buffer.alloc(0);
    await assert(
      asyncProperty(nat(compressed.length - 1), integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(compressed);
        damaged[at] = (damaged[at] ?? 0) ^ mask;
        const outcome = await decompress(damaged, block.length).then(
          (output) => output.length,
          () => 'refused',
        );
        expect([block.length, 'refused']).toContain(outcome);
      }),
      { numRuns: 150 },
    );
    await expect(decompress(compressed.subarray(0, -1), block.length)).rejects.toBeInstanceOf(Error);
    await expect(decompress(compressed, block.length - 1)).rejects.toBeInstanceOf(Error);
    await expect(decompress(compressed, block.length + 1)).rejects.toBeInstanceOf(Error);
    expect((await decompress(compressed, block.length)).equals(block)).toBe(true);
  });

  it('fails what it was asked for when it ends', async () => {
    const order = { slot: 0, offset_bytes, data_bytes: 1_000_000, raw_bytes: 1_000_000 };
    const asked = compressor.convert(order).catch((thrown: unknown) => thrown);
    await compressor.stop();
    expect(await asked).toMatchObject({ code: 'Internal' });
    const late = compressor.convert({ slot: 0, offset_bytes, data_bytes: 1, raw_bytes: 1 });
    await expect(late).rejects.toMatchObject({ code: 'Internal' });
  });

  it('never touches a block while a slow consumer looks at it', async () => {
    const shapes = array(tuple(integer({ min: 1, max: 300_000 }), boolean()), {
      minLength: 20,
      maxLength: 40,
    });
    await assert(
      asyncProperty(shapes, nat(9), async (blocks, held) => {
        const originals = blocks.map(([bytes, is_random], index) => {
          const block = makeBlock(bytes + 4, is_random);
          block.writeUInt32LE(index, 0);
          return block;
        });
        async function* source() {
          // What is given back is overwritten at once, as a real owner of the memory would do.
          for (const block of originals) yield Buffer.from(block);
        }
        const decoded = decode(codec, delayed(encode(codec, source(), overwrite), held), limits, overwrite);
        let index = 0;
        for await (const block of delayed(decoded, held)) {
          expect(block.equals(originals[index] ?? Buffer.alloc(0))).toBe(true);
          index += 1;
        }
        expect(index).toBe(originals.length);
      }),
      { numRuns: 3 },
    );
  });
});

/** Holds up to `held` blocks; passes on copies, and gives a block back only when the copy was taken from it late. */
async function* delayed(
  blocks: AsyncIterable<Buffer> & { recycle: (block: Buffer) => void },
  held: number,
): AsyncGenerator<Buffer, void, undefined> {
  const waiting: Buffer[] = [];
  const pass = (): Buffer => {
    const block = waiting.shift() ?? Buffer.alloc(0);
    const copy = Buffer.from(block);
    blocks.recycle(block);
    return copy;
  };
  for await (const block of blocks) {
    waiting.push(block);
    if (waiting.length > held) yield pass();
  }
  while (waiting.length > 0) yield pass();
}
