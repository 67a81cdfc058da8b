import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { History } from '../../../../src/cli/console/history.js';
import { HistoryFile, historyPath, history_lines_max } from '../../../../src/cli/console/history_file.js';
import { fakeContext } from '../fake_context.js';

const { clock } = fakeContext();
let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-history-'));
  file = path.join(directory, 'state', 'icbdrep', 'history');
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const open = (): HistoryFile => new HistoryFile(file, clock);
const kept = async (): Promise<string[]> => (await readFile(file, 'utf8')).trimEnd().split('\n');

async function type(who: string): Promise<void> {
  const mine = open();
  for (let index = 0; index < 40; index += 1) await mine.append(`${who} ${index}`);
}

test('where it is', () => {
  expect(historyPath({ XDG_STATE_HOME: '/s', HOME: '/h' })).toBe('/s/icbdrep/history');
  expect(historyPath({ XDG_STATE_HOME: 'relative', HOME: '/h' })).toBe('/h/.local/state/icbdrep/history');
  expect(historyPath({ HOME: '/h' })).toBe('/h/.local/state/icbdrep/history');
});

test('is made when the first line is added, for its owner only', async () => {
  expect(await open().read()).toEqual([]);
  await open().append('images');
  expect(await open().read()).toEqual(['images']);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await chmod(file, 0o644);
  await open().append('status');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('keeps the last thousand lines', async () => {
  await mkdir(path.dirname(file), { recursive: true });
  const lines = Array.from({ length: history_lines_max + 5 }, (_, index) => `line ${index}`);
  await writeFile(file, `${lines.join('\n')}\n`);
  expect(await open().read()).toEqual(lines.slice(-history_lines_max));
  await open().append('one more');
  expect(await kept()).toEqual([...lines, 'one more'].slice(-history_lines_max));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('two consoles at a time lose nothing, also while the file is written anew', async () => {
  await mkdir(path.dirname(file), { recursive: true });
  const old = Array.from({ length: history_lines_max - 20 }, (_, index) => `old ${index}`);
  await writeFile(file, `${old.join('\n')}\n`);
  await Promise.all([type('a'), type('b'), type('c')]);
  const lines = await kept();
  expect(lines).toHaveLength(history_lines_max);
  for (const who of ['a', 'b', 'c']) {
    const mine = Array.from({ length: 40 }, (_, index) => `${who} ${index}`);
    expect(lines.filter((line) => line.startsWith(`${who} `))).toEqual(mine);
  }
});

test('a lock that somebody left behind is not waited for', async () => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.lock`, '');
  const long_ago_s = clock.now() / 1_000 - 60;
  await utimes(`${file}.lock`, long_ago_s, long_ago_s);
  await open().append('images');
  expect(await kept()).toEqual(['images']);
});

test('a history that is a link to nothing stays one', async () => {
  await mkdir(path.dirname(file), { recursive: true });
  const before = (await stat('/dev/null')).mode;
  await symlink('/dev/null', file);
  await open().append('images');
  expect(await open().read()).toEqual([]);
  expect(await readlink(file)).toBe('/dev/null');
  expect((await stat('/dev/null')).mode).toBe(before);
});

test('what is not kept: empty lines, those that begin with a space, and the same again', async () => {
  const history = new History(open(), () => {});
  await history.load();
  for (const line of ['images', 'images ', '', '  ', ' secret', 'status', 'images']) await history.add(line);
  expect(history.lines).toEqual(['images', 'status', 'images']);
  expect(await kept()).toEqual(['images', 'status', 'images']);
  const next = new History(open(), () => {});
  await next.load();
  await next.add('images');
  expect(await kept()).toEqual(['images', 'status', 'images']);
});

test('one warning if it cannot be kept; the lines of this console are there all the same', async () => {
  await writeFile(path.join(directory, 'state'), 'a file where a directory should be');
  const warnings: string[] = [];
  const history = new History(open(), (text) => warnings.push(text));
  await history.load();
  await history.add('images');
  await history.add('status');
  expect(warnings).toEqual([expect.stringMatching(/^the history is not kept: ENOTDIR/)]);
  expect(history.lines).toEqual(['images', 'status']);
});
