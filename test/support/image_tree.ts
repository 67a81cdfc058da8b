/** Deterministic directory trees like VM images. Their comparison is in compare_trees.ts. */
import { createCipheriv, createHash } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

const mib = 1024 * 1024;

/** `bytes` bytes that depend on `seed` only: each 64 KiB is half random, half compressible. */
export function seededBytes(seed: number, bytes: number): Buffer {
  const key = createHash('md5').update(`image tree ${seed}`).digest();
  const result = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
  const step = 64 * 1024;
  for (let at = 0; at < bytes; at += step) {
    const end = Math.min(at + step, bytes);
    result.fill(`line ${seed} ${at}\n`, at + Math.floor((end - at) / 2), end);
  }
  return result;
}

async function writeSeeded(path: string, seed: number, bytes: number): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    for (let at = 0; at < bytes; at += mib) {
      await file.write(seededBytes(seed * 4096 + at / mib, Math.min(mib, bytes - at)), 0, null, at);
    }
  } finally {
    await file.close();
  }
}

async function overwrite(path: string, offset_bytes: number, content: Buffer): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(content, 0, content.length, offset_bytes);
  } finally {
    await file.close();
  }
}

/** Fixed times, so that two trees made from one seed are equal in them too. */
async function setTimes(path: string, seed: number): Promise<void> {
  const seconds = 1_600_000_000 + (seed % 1_000_000);
  await lutimes(path, seconds, seconds);
}

async function setXattr(path: string, name: string, value: string): Promise<void> {
  await execa('setfattr', ['-h', '-n', name, '-v', value, path], { reject: false });
}

/**
 * Fills `dir` (which exists) with about `bytes` bytes of content: a disk image that is partly a reflink copy of
 * another, small files, a sparse file, a hard link, a symlink, odd names and modes, an xattr where setfattr
 * is installed.
 */
export async function makeImageTree(dir: string, seed: number, bytes: number): Promise<void> {
  const at = (...parts: string[]): string => join(dir, ...parts);
  await mkdir(at('boot', 'nested directory'), { recursive: true });
  await writeSeeded(at('disk.img'), seed, bytes);
  await execa('cp', ['--reflink=auto', at('disk.img'), at('disk-copy.img')]);
  await truncate(at('disk-copy.img'), Math.min(bytes, 256 * 1024));
  await writeFile(at('config.ini'), `seed = ${seed}\n`, { mode: 0o640 });
  await writeFile(at('empty'), '');
  await writeFile(at('boot', 'nested directory', 'kernel ünïcode'), seededBytes(seed + 1, 70_000));
  await writeFile(at('sparse.img'), 'start');
  await truncate(at('sparse.img'), 8 * mib);
  await overwrite(at('sparse.img'), 5 * mib, Buffer.from(`in the middle ${seed}`));
  await link(at('config.ini'), at('boot', 'config-hard-link.ini'));
  await symlink('boot/config-hard-link.ini', at('config-symlink'));
  await setXattr(at('config.ini'), 'user.seed', String(seed));
  await chown(at('empty'), 1000, 1001);
  await chmod(at('boot'), 0o751);
  await setTimes(at('disk.img'), seed);
  await setTimes(at('config-symlink'), seed + 7);
  await setTimes(at('boot'), seed + 9);
}

/**
 * Changes a tree of `makeImageTree` the way a running VM and its operator would: blocks overwritten, a file
 * grown, truncated, renamed, removed, replaced, cloned, links and metadata changed. May be applied again with
 * another seed.
 */
export async function changeImageTree(dir: string, seed: number): Promise<void> {
  const at = (...parts: string[]): string => join(dir, ...parts);
  const { size } = await lstat(at('disk.img'));
  for (let part = 0; part < 4; part += 1) {
    const offset_bytes = Math.floor((size * part) / 4 / 4096) * 4096;
    await overwrite(at('disk.img'), offset_bytes, seededBytes(seed + part, 40_000));
  }
  await overwrite(at('disk.img'), size, seededBytes(seed + 10, 100_000));
  await truncate(at('disk-copy.img'), 10_000 + (seed % 1000));
  await execa('cp', ['--reflink=auto', at('disk.img'), at(`clone-${seed}.img`)]);
  await rm(at('empty'), { force: true });
  await mkdir(at(`new-${seed}`));
  await rename(at('config.ini'), at(`new-${seed}`, 'moved.ini'));
  await writeFile(at('config.ini'), `changed = ${seed}\n`, { mode: 0o600 });
  await rm(at('config-symlink'));
  await symlink(`elsewhere-${seed}`, at('config-symlink'));
  await chmod(at('boot'), 0o700 + (seed % 8));
  await setXattr(at('sparse.img'), 'user.changed', String(seed));
  await setTimes(at('sparse.img'), seed);
}
