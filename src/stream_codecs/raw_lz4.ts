/** Raw LZ4 blocks, which carry neither their size nor a checksum. */

export interface RawLz4 {
  readonly compress: (data: Buffer) => Buffer;
  /**
   * @param bytes_max what it may decompress to
   * @param history what was decompressed before and may be copied from, at most 64 KiB; empty if nothing may
   * @throws Error if it is damaged, or would give more
   */
  readonly decompress: (block: Buffer, bytes_max: number, history: Buffer) => Buffer;
}

/** No byte of a block can stand for more than so many. */
const ratio_max = 255;
/** The package puts the decompressed size in front, u32 little-endian, and allocates by it. */
const size_bytes = 4;

/** The package is loaded for those who use it, and not for each command of the command line. */
export async function loadRawLz4(): Promise<RawLz4> {
  const { compressSync, uncompressSync } = await import('lz4-napi');
  return {
    compress: (data) => compressSync(data).subarray(size_bytes),
    decompress: (block, bytes_max, history) => {
      const sized = Buffer.allocUnsafe(size_bytes + block.length);
      // It takes a size that is too large, and says by its output how much it was.
      sized.writeUInt32LE(Math.min(bytes_max, block.length * ratio_max), 0);
      block.copy(sized, size_bytes);
      return history.length === 0 ? uncompressSync(sized) : uncompressSync(sized, history);
    },
  };
}
