import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';

let loop_fs: LoopFs | undefined;
afterEach(async () => {
  await loop_fs?.dispose();
  loop_fs = undefined;
});

test('a loop filesystem is btrfs, takes mount options, and leaves nothing behind', async () => {
  loop_fs = await makeLoopFs({ size_mb: 128, mount_options: 'compress=zstd:1', on: 'disk' });
  const { stdout } = await execa('findmnt', [
    '-n',
    '-o',
    'FSTYPE,OPTIONS',
    '--mountpoint',
    loop_fs.mountpoint,
  ]);
  expect(stdout).toMatch(/^btrfs .*compress=zstd:1/);
  await loop_fs.dispose();
  await loop_fs.dispose();
  expect(existsSync(loop_fs.backing_file)).toBe(false);
  expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(loop_fs.mountpoint);
  expect((await execa('losetup', ['--associated', loop_fs.backing_file])).stdout).toBe('');
});

test('trees of one seed have the same content, and a comparison sees every change', async () => {
  loop_fs = await makeLoopFs({ size_mb: 256 });
  const a = join(loop_fs.mountpoint, 'a');
  await mkdir(a);
  await makeImageTree(a, 1, 3_000_000);
  const b = join(loop_fs.mountpoint, 'b');
  await execa('cp', ['-a', a, b]);
  expect(await compareTrees(a, b)).toEqual([]);

  await chmod(join(b, 'empty'), 0o600);
  await truncate(join(b, 'disk.img'), 5);
  const differences = await compareTrees(a, b);
  expect(differences.filter((line) => !line.includes('mtime'))).toEqual([
    'disk.img: size 3000000 != 5',
    'disk.img: content differs',
    'empty: mode 100644 != 100600',
  ]);

  const c = join(loop_fs.mountpoint, 'c');
  await mkdir(c);
  await makeImageTree(c, 1, 3_000_000);
  const without_times = (await compareTrees(a, c)).filter((line) => !line.includes(': mtime '));
  expect(without_times).toEqual([]);

  await changeImageTree(c, 5);
  await changeImageTree(c, 6);
  expect((await compareTrees(a, c)).length).toBeGreaterThan(15);
});

/** Starts a process that makes a filesystem, prints where, and waits. */
async function startMaker(): Promise<{ mountpoint: string; kill(signal: NodeJS.Signals): Promise<void> }> {
  const module_url = new URL('../../support/loopfs.ts', import.meta.url).href;
  const code = `const { makeLoopFs } = await import(${JSON.stringify(module_url)});
    console.log((await makeLoopFs({ size_mb: 128 })).mountpoint); setInterval(() => {}, 1000);`;
  const child = execa('node', ['--import', 'tsx', '--input-type=module', '-e', code], { reject: false });
  const line = await new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.stdout.once('end', () => resolve(''));
  });
  if (line === '') throw new Error(`no filesystem was made: ${(await child).stderr}`);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await child;
  };
  return { mountpoint: line, kill };
}

test('a process that is told to stop removes its filesystem; that of a killed one is removed by the next', async () => {
  const stopped = await startMaker();
  await stopped.kill('SIGTERM');
  expect(existsSync(stopped.mountpoint)).toBe(false);

  const killed = await startMaker();
  await killed.kill('SIGKILL');
  expect(await readFile('/proc/self/mounts', 'utf8')).toContain(killed.mountpoint);
  const next = await startMaker();
  await next.kill('SIGTERM');
  expect(existsSync(killed.mountpoint)).toBe(false);
  expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(killed.mountpoint);
}, 30_000);
