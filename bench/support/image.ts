import { createCipheriv } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import type { Fleet } from '../../test/support/fleet.js';

const block_bytes = 1024 * 1024;
/**
 * Of every 64 KiB so much is random, as packed files on a disk are; the rest is lines of a log. In longer runs the
 * random ones would make btrfs stop compressing: with `compress`, the first 128 KiB that it cannot make smaller mark
 * the whole file as not to be compressed.
 */
const random_bytes = 16 * 1024;
const mix_bytes = 64 * 1024;
const template_count = 256;

/** Lines that repeat in part, each with something of its own, until `bytes` are full. */
function logBytes(key_stream: Buffer, templates: readonly string[], bytes: number): Buffer {
  const text = Buffer.alloc(bytes, 10);
  for (let at = 0, index = 0; at < bytes; index = (index + 6) % (key_stream.length - 6)) {
    const template = templates[key_stream.readUInt16LE(index) % templates.length] ?? '';
    const own = key_stream.toString('hex', index + 2, index + 6);
    at += text.write(`${own} ${template}\n`, at);
  }
  return text;
}

/**
 * Writes a file that compresses about 2:1 with a fast codec: random data beside text, as a disk image has them. The
 * same seed gives the same bytes.
 */
export async function writeVmImage(file: string, size_mb: number, seed: number): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  const next = (bytes: number): Buffer => cipher.update(Buffer.alloc(bytes));
  const templates = Array.from({ length: template_count }, () => {
    const words =
      next(64)
        .toString('hex')
        .match(/.{1,6}/g) ?? [];
    return `vm systemd[1]: ${words.join(' ')}.`;
  });
  const handle: FileHandle = await open(file, 'w');
  try {
    for (let index = 0; index < size_mb; index += 1) {
      const text = logBytes(next(64 * 1024), templates, block_bytes);
      for (let at = 0; at < block_bytes; at += mix_bytes) next(random_bytes).copy(text, at);
      await handle.write(text);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An image of all nodes with one snapshot, which was read once: so every contender finds it in memory. */
export async function makeImage(fleet: Fleet, name: string, size_mb: number): Promise<void> {
  const source = await fleet.addImage(name);
  await writeVmImage(path.join(source, 'disk.img'), size_mb, 7);
  await fleet.master.client.snapshots.create(name);
  await execa('bash', ['-c', `btrfs send -q '${path.join(path.dirname(source), '1')}' > /dev/null`]);
}
