import { compress, uncompress } from 'snappy';
import type { BlockCodec } from './block_codec.js';

/** The decompressed size that a raw snappy block starts with, a varint; undefined if it is none. */
function claimedBytes(data: Buffer): number | undefined {
  let size = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = data[index];
    if (byte === undefined) return undefined;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  return undefined;
}

/** Raw snappy blocks (not the framed format). The package allocates by the size they claim. */
export const snappy_codec: BlockCodec = {
  name: 'snappy',
  compress: (block) => compress(block),
  decompress: async (data, raw_bytes) => {
    if (claimedBytes(data) !== raw_bytes) throw new Error('the sizes do not agree');
    const output = await uncompress(data, { asBuffer: true });
    return Buffer.isBuffer(output) ? output : Buffer.from(output);
  },
};
