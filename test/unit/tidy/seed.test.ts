/** docs/seed.md promises what serves each entry of the original: nothing in it may be invented. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import { error_codes } from '../../../src/core/errors.js';
import { fakeContext } from '../cli/fake_context.js';
import { root } from './support/source.js';

const text = readFileSync(path.join(root, 'docs/seed.md'), 'utf8');
/** Rows of all tables, as their cells. */
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| original'))
  .map((line) =>
    line
      .replaceAll('\\|', '¦')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, inner]) => inner ?? '');

/** Whether there is a test of this path: a file, or a folder with tests. */
function isTest(place: string): boolean {
  const whole = path.join(root, 'test', place);
  if (existsSync(`${whole}.test.ts`)) return true;
  if (!existsSync(whole)) {
    // `platform/daemon/images` stands for images.test.ts and images_on_disk.test.ts.
    const folder = path.dirname(whole);
    return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(path.basename(whole)));
  }
  return readdirSync(whole, { recursive: true }).some((name) => String(name).endsWith('.test.ts'));
}

/** What `icbdrep WORDS --help` prints. */
async function help(...words: string[]): Promise<string> {
  const context = fakeContext();
  expect(await runCli([...words, '--help'], context), words.join(' ')).toBe(0);
  return context.printed.out;
}

test('every entry is served, and shown by tests that are there', () => {
  expect(rows.length).toBeGreaterThan(60);
  for (const cells of rows) {
    expect(cells.every((cell) => cell !== '')).toBe(true);
    if (cells.length < 3) continue;
    const places = quoted(cells[2]);
    expect(places.length, cells[0]).toBeGreaterThan(0);
    for (const place of places) expect(isTest(place), `${cells[0]}: ${place}`).toBe(true);
  }
});

test('every exception has a code', () => {
  const codes = rows.filter((cells) => cells.length === 2).flatMap(([, code]) => quoted(code));
  expect(codes).toHaveLength(8);
  for (const code of codes) expect(Object.keys(error_codes)).toContain(code);
});

test('every module that it names is there', () => {
  const modules = quoted(text).filter((word) => /^(daemon|btrfs)\/\S+$/.test(word));
  expect(modules.length).toBeGreaterThan(3);
  for (const name of modules) expect(existsSync(path.join(root, 'src', name)), name).toBe(true);
});

test('every command and option that it names is one', async () => {
  const all = await help();
  const known = [...all.matchAll(/^ {2}([a-z]+(?: [a-z]+)?)/gm)].map(([, name]) => name ?? '');
  const commands = rows
    .flatMap(([, here]) => quoted(here))
    .filter((words) => /^[a-z]+( [a-zA-Z¦-]|$)/.test(words) && !words.startsWith('npm '))
    .map((words) => words.replace('compress¦decompress', 'compress').split(' '))
    .filter(([first = '']) => known.some((name) => name === first || name.startsWith(`${first} `)));
  expect(commands.length).toBeGreaterThan(25);
  for (const words of commands) {
    const group = known.filter((name) => name.startsWith(`${words[0]} `));
    const name =
      group.length > 0 && words[1] !== undefined && group.includes(`${words[0]} ${words[1]}`)
        ? words.slice(0, 2)
        : words.slice(0, 1);
    const page = await help(...name);
    for (const option of words.join(' ').match(/--[a-z-]+/g) ?? [])
      expect(page, words.join(' ')).toContain(option);
  }
});
