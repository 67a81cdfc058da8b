import { compress, uncompress } from 'lz4-napi';
import type { BlockCodec } from './block_codec.js';

/** Raw LZ4 blocks; the package puts the decompressed size, u32 little-endian, in front and allocates by it. */
export const lz4_codec: BlockCodec = {
  name: 'lz4',
  compress: (block) => compress(block),
  decompress: async (data, raw_bytes) => {
    if (data.length < 4 || data.readUInt32LE(0) !== raw_bytes) throw new Error('the sizes do not agree');
    return await uncompress(data);
  },
};
