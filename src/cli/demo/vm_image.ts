/** A disk image such as a VM leaves behind: packed data, logs, and holes where nothing was ever written. */
import { randomFillSync } from 'node:crypto';
import { type FileHandle, link, mkdir, open, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const mib = 1024 * 1024;
/** Data and hole take turns along the disk. */
const region_bytes = 32 * mib;
export const disk_name = 'disk.img';

/** Log lines that compress about as well as real ones; they begin again after 64 KiB. */
function textBlock(): Buffer {
  const lines = Buffer.alloc(64 * 1024, '\n');
  let offset = 0;
  for (let line = 0; offset < lines.length; line += 1) {
    const text = `Mar 01 12:${line % 60} vm1 httpd[${line % 4999}]: GET /item/${line} 200 ${(line * 7919) % 99991} us\n`;
    offset += lines.write(text, offset, 'latin1');
  }
  return Buffer.alloc(mib, lines);
}

const text_block = textBlock();

/** Every other MiB is random, the others are text. */
async function writeBlocks(
  file: FileHandle,
  from_bytes: number,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const random_block = Buffer.allocUnsafe(mib);
  for (let index = 0; index < count; index += 1) {
    signal.throwIfAborted();
    const block = index % 2 === 0 ? randomFillSync(random_block) : text_block;
    await file.write(block, 0, mib, from_bytes + index * mib);
  }
}

/**
 * Makes the directory `live`, if it is missing, and fills it with a disk image of `data_mib` MiB of data, an
 * eighth as much of holes, and the small files that go with a VM.
 */
export async function makeVmImage(live: string, data_mib: number, signal: AbortSignal): Promise<void> {
  await mkdir(live, { recursive: true });
  const disk = join(live, disk_name);
  const file = await open(disk, 'wx', 0o640);
  let end_bytes = 0;
  try {
    for (let done_mib = 0; done_mib < data_mib; done_mib += region_bytes / mib) {
      const count = Math.min(region_bytes / mib, data_mib - done_mib);
      await writeBlocks(file, end_bytes, count, signal);
      end_bytes += count * mib + Math.round(region_bytes / 8);
    }
  } finally {
    await file.close();
  }
  await truncate(disk, end_bytes);
  await mkdir(join(live, 'logs'));
  await writeFile(join(live, 'vm.conf'), 'name = vm1\nmemory = 4 GiB\n', { mode: 0o600 });
  await writeFile(join(live, 'nvram.bin'), randomFillSync(Buffer.alloc(256 * 1024)));
  await writeFile(join(live, 'logs', 'console.log'), 'booted\n');
  await link(join(live, 'logs', 'console.log'), join(live, 'logs', 'console.log.1'));
  await symlink('logs/console.log', join(live, 'latest.log'));
}

/** Changes about `changed_mib` MiB, in pieces of 1 MiB all over the disk, and some of the small files. */
export async function changeVmImage(live: string, changed_mib: number, signal: AbortSignal): Promise<void> {
  const file = await open(join(live, disk_name), 'r+');
  try {
    const { size } = await file.stat();
    const distance_bytes = Math.floor(size / changed_mib / 4096) * 4096;
    for (let index = 0; index < changed_mib; index += 1) {
      await writeBlocks(file, index * distance_bytes, 1, signal);
    }
  } finally {
    await file.close();
  }
  await writeFile(join(live, 'logs', 'console.log'), `${changed_mib} MiB changed\n`, { flag: 'a' });
  await writeFile(join(live, 'nvram.bin'), randomFillSync(Buffer.alloc(256 * 1024)));
}
