/** Damage to what lies on a disk, which btrfs finds by its checksums: real I/O errors. */
import { type FileHandle, open } from 'node:fs/promises';

const chunk_bytes = 4 * 1024 * 1024;

async function findIn(file: FileHandle, mark: Buffer): Promise<number[]> {
  const { size } = await file.stat();
  const buffer = Buffer.alloc(chunk_bytes + mark.length);
  const found: number[] = [];
  for (let start = 0; start < size; start += chunk_bytes) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const chunk = buffer.subarray(0, bytesRead);
    for (let at = chunk.indexOf(mark); at >= 0 && at < chunk_bytes; at = chunk.indexOf(mark, at + 1)) {
      found.push(start + at);
    }
  }
  return found;
}

/**
 * Overwrites content on the disk behind the filesystem's back, wherever it lies.
 * @param mark bytes that stand in the file to damage and nowhere else; they must be on disk, and not in memory as
 *   part of a file that is read afterwards
 * @returns what puts them back
 */
export async function damage(backing_file: string, mark: Buffer): Promise<() => Promise<void>> {
  const overwrite = async (places: readonly number[], bytes: Buffer): Promise<void> => {
    const file = await open(backing_file, 'r+');
    try {
      for (const place of places) await file.write(bytes, 0, bytes.length, place);
      await file.sync();
    } finally {
      await file.close();
    }
  };
  const file = await open(backing_file, 'r');
  let places: number[];
  try {
    places = await findIn(file, mark);
  } finally {
    await file.close();
  }
  if (places.length === 0) throw new Error(`the mark is not in ${backing_file}`);
  await overwrite(places, Buffer.alloc(mark.length, 0xee));
  return () => overwrite(places, mark);
}
