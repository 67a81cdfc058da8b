import { xxh32 } from '@node-rs/xxhash';
import { describe, expect, it } from 'vitest';
import { lz4_vectors, vector_content } from './lz4_vectors.js';
import { compressAll, content, decompressAll, errorOf } from './support.js';

const vectors = lz4_vectors.map(({ name, base64 }) => ({ name, frame: Buffer.from(base64, 'base64') }));
const magic = Buffer.from('04224d18', 'hex');

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** A frame's start, with the right checksum of whatever it says. */
function head(flags: number, block: number, more: Buffer = Buffer.alloc(0)): Buffer {
  const descriptor = Buffer.concat([Buffer.from([flags, block]), more]);
  return Buffer.concat([magic, descriptor, Buffer.from([(xxh32(descriptor, 0) >>> 8) & 0xff])]);
}

function skippable(bytes: Buffer): Buffer {
  return Buffer.concat([u32(0x184d2a5b), u32(bytes.length), bytes]);
}

describe.each(vectors)('a frame of the program lz4: $name', ({ frame }) => {
  it('is read, in chunks of any size', async () => {
    for (const chunk_bytes of [1, 3, 100, 100_000]) {
      expect((await decompressAll('lz4', frame, chunk_bytes)).equals(vector_content)).toBe(true);
    }
  });

  it('is refused when it is cut', async () => {
    for (let length = 0; length < frame.length; length += 1) {
      expect((await errorOf(decompressAll('lz4', frame.subarray(0, length)))).code).toBe('CorruptData');
    }
  });

  it('is refused or equal with one bit flipped', async () => {
    for (let bit = 0; bit < frame.length * 8; bit += 3) {
      const flipped = Buffer.from(frame);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const outcome = await decompressAll('lz4', flipped).then(
        (output) => (output.equals(vector_content) ? 'equal' : `other at bit ${bit}`),
        (thrown: { code?: string }) => thrown.code,
      );
      expect(['equal', 'CorruptData']).toContain(outcome);
    }
  });
});

it('several frames, and frames to skip, make one stream', async () => {
  const frames = vectors.map(({ frame }) => frame);
  const stream = Buffer.concat([
    skippable(Buffer.alloc(70_000)),
    ...frames,
    skippable(Buffer.alloc(0)),
    ...frames,
  ]);
  const expected = Buffer.concat(Array.from({ length: frames.length * 2 }, () => vector_content));
  expect((await decompressAll('lz4', stream, 999)).equals(expected)).toBe(true);
});

it('what is written has blocks of the size asked for, their checksums, and one of the content', async () => {
  const sizes = [
    [1, 4],
    [65_536, 4],
    [65_537, 5],
    [undefined, 5],
    [1024 ** 2, 6],
    [4 * 1024 ** 2, 7],
  ] as const;
  for (const [block_bytes, id] of sizes) {
    const stream = await compressAll('lz4', content('random', 70_000), { block_bytes });
    expect(stream.subarray(0, 6)).toEqual(Buffer.concat([magic, Buffer.from([0x74, id << 4])]));
  }
  const checksum = u32(xxh32('a', 0)).toString('hex');
  const one_byte = await compressAll('lz4', Buffer.from('a'));
  expect(one_byte.toString('hex')).toBe(`04224d187450ff0100008061${checksum}00000000${checksum}`);
});

const refused: readonly (readonly [string, Buffer, string])[] = [
  ['a legacy frame', Buffer.from('02214c1800000000', 'hex'), 'a legacy frame'],
  ['a dictionary', Buffer.concat([head(0x61, 0x40, u32(7)), u32(0)]), 'needs a dictionary'],
  ['another version', head(0x80, 0x40), 'unknown version'],
  ['a reserved flag', Buffer.concat([head(0x62, 0x40), u32(0)]), 'reserved'],
  ['a reserved block size', Buffer.concat([head(0x60, 0x30), u32(0)]), 'reserved'],
  ['a reserved bit beside the block size', Buffer.concat([head(0x60, 0x41), u32(0)]), 'reserved'],
  [
    'a block that claims 2 GiB',
    Buffer.concat([head(0x60, 0x40), u32(0x7fffffff)]),
    'claims 2147483647 bytes',
  ],
  [
    'a stored block that is too large',
    Buffer.concat([head(0x60, 0x40), u32(0x80010001)]),
    'claims 65537 bytes',
  ],
  [
    'less than the size it claims',
    Buffer.concat([head(0x68, 0x40, Buffer.from('ffffffffffffff7f', 'hex')), u32(0)]),
    'has 0 bytes and not 9223372036854775807',
  ],
  [
    'more than the size it claims',
    Buffer.concat([head(0x68, 0x40, Buffer.alloc(8)), u32(0x80000001), Buffer.from('a'), u32(0)]),
    'more than the 0 bytes',
  ],
  ['only a frame to skip', skippable(Buffer.from('nothing')), 'before the first frame'],
  [
    'a match before the start',
    Buffer.concat([head(0x60, 0x40), u32(5), Buffer.from('1061ff000010', 'hex'), u32(0)]),
    'cannot be decompressed',
  ],
];

it.each(refused)('refuses %s', async (_name, stream, message) => {
  const error = await errorOf(decompressAll('lz4', stream));
  expect(error.code).toBe('CorruptData');
  expect(error.message).toContain(message);
});
