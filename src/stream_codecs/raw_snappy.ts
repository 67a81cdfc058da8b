/** Raw blocks of Google's snappy: the size as a varint, then literals and copies; no checksum. */

export interface RawSnappy {
  readonly compress: (data: Buffer) => Buffer;
  /** @throws Error if it is damaged, or would not give exactly `raw_bytes` */
  readonly decompress: (block: Buffer, raw_bytes: number) => Buffer;
}

/** What a block of `raw_bytes` can grow to, as snappy itself says it. */
export function compressedBytesMax(raw_bytes: number): number {
  return 32 + raw_bytes + Math.floor(raw_bytes / 6);
}

/** The decompressed size that a block starts with; undefined if it does not. */
export function claimedBytes(block: Buffer): number | undefined {
  let bytes = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index];
    if (byte === undefined) return undefined;
    bytes += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return bytes;
  }
  return undefined;
}

/** The package is loaded for those who use it, and not for each command of the command line. */
export async function loadRawSnappy(): Promise<RawSnappy> {
  const { compressSync, uncompressSync } = await import('snappy');
  // Copies lie in memory that Node counts, and frees soon.
  const copyOutputData = true;
  return {
    compress: (data) => compressSync(data, { copyOutputData }),
    decompress: (block, raw_bytes) => {
      const claimed = claimedBytes(block);
      // Before anything is allocated by it.
      if (claimed !== raw_bytes) throw new Error(`it claims ${claimed ?? 'no'} bytes and not ${raw_bytes}`);
      const output = uncompressSync(block, { asBuffer: true, copyOutputData });
      const bytes = typeof output === 'string' ? Buffer.from(output) : output;
      if (bytes.length !== raw_bytes) throw new Error(`it has ${bytes.length} bytes and not ${raw_bytes}`);
      return bytes;
    },
  };
}

/** What a failed decompression said. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
