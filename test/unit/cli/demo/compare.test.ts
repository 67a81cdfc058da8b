import {
  chmod,
  link,
  lutimes,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { differencesOf, digestTree } from '../../../../src/cli/demo/compare.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'icbdrep-compare-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

const { signal } = new AbortController();

async function makeTree(name: string): Promise<string> {
  const directory = join(root, name);
  await mkdir(join(directory, 'sub'), { recursive: true });
  await writeFile(join(directory, 'disk'), 'content');
  await truncate(join(directory, 'disk'), 100_000);
  await writeFile(join(directory, 'sub', 'file'), 'x');
  await symlink('disk', join(directory, 'link'));
  await setTimes(directory);
  return directory;
}

/** Changes of one tree's entries must not show as times of their directories. */
async function setTimes(directory: string): Promise<void> {
  for (const path of ['disk', 'link', 'sub/file', 'sub', '.']) {
    await lutimes(join(directory, path), 1_000, 1_000);
  }
}

/** The paths in which a tree differs after `change` from one like it. */
async function changedPaths(change: (directory: string) => Promise<void>): Promise<string[]> {
  const a = await makeTree('a');
  const b = await makeTree('b');
  await change(b);
  const [before, after] = [await digestTree(a, signal), await digestTree(b, signal)];
  const differences = differencesOf(before, after).map((line) => line.split(':')[0] ?? '');
  expect(before.digest === after.digest).toBe(differences.length === 0);
  return differences;
}

test.each<[string, (directory: string) => Promise<void>, string[]]>([
  ['nothing', () => Promise.resolve(), []],
  [
    'one byte, size and time kept',
    async (directory) => {
      await writeFile(join(directory, 'disk'), 'Content', { flag: 'r+' });
      await setTimes(directory);
    },
    ['disk'],
  ],
  ['the length of a hole', (directory) => truncate(join(directory, 'disk'), 100_001), ['disk']],
  ['the mode', (directory) => chmod(join(directory, 'sub'), 0o711), ['sub']],
  ['the time', (directory) => utimes(join(directory, 'disk'), 1_000, 1_000.001), ['disk']],
  [
    'a file more',
    async (directory) => {
      await writeFile(join(directory, 'sub', 'more'), '');
      await setTimes(directory);
    },
    ['sub/more'],
  ],
  [
    'a file less',
    async (directory) => {
      await rm(join(directory, 'sub', 'file'));
      await utimes(join(directory, 'sub'), 1_000, 1_000);
    },
    ['sub/file'],
  ],
  [
    'a hard link more',
    async (directory) => {
      await link(join(directory, 'disk'), join(directory, 'sub', 'again'));
      await setTimes(directory);
    },
    ['disk', 'sub/again'],
  ],
  [
    'where a symlink points',
    async (directory) => {
      await rm(join(directory, 'link'));
      await symlink('x', join(directory, 'link'));
      await setTimes(directory);
    },
    ['link'],
  ],
])('%s', async (_name, change, paths) => {
  expect((await changedPaths(change)).toSorted()).toEqual(paths);
});
