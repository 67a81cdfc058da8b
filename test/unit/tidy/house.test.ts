import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { withMachineTables } from '../../../scripts/machine_tables.js';
import {
  checkHosts,
  checkImports,
  checkPurity,
  checkShape,
  checkWords,
  findCycles,
} from './support/rules.js';
import { readSources, root } from './support/source.js';

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const src = readSources(['src'], /\.tsx?$/);

describe('the house', () => {
  test('there is something to look at', () => {
    expect(src.size).toBeGreaterThan(50);
  });

  test('every folder imports only what it may', () => {
    expect(checkImports(src)).toEqual([]);
  });

  test('no files import each other in a circle', () => {
    expect(findCycles(src)).toEqual([]);
  });

  test('clocks and randomness are in the daemon only', () => {
    expect(checkPurity(src)).toEqual([]);
  });

  test('no barrels, no default exports, no long files', () => {
    expect(checkShape(src)).toEqual([]);
  });

  test('nothing is left unfinished or switched off', () => {
    const folders = ['src', 'test', 'scripts', 'bench', 'migrations', 'packaging'];
    // The rules and their samples name what they look for.
    const others = [...readSources(folders, /./)].filter(([file]) => !file.startsWith('test/unit/tidy/'));
    expect(checkWords(new Map(others))).toEqual([]);
  });

  test('no host of a package registry is named', () => {
    const places = ['package.json', 'package-lock.json', '.npmrc'].filter((file) =>
      existsSync(path.join(root, file)),
    );
    const files = new Map(places.map((file) => [file, read(file)]));
    expect(checkHosts(new Map([...files, ...readSources(['src', 'scripts', '.ci', 'docs'], /./)]))).toEqual(
      [],
    );
  });
});

/** Names of the dependencies that a text explains. */
const listed = (text = ''): string[] =>
  [...text.matchAll(/^- `([^`]+)`: \S/gm)].map(([, name]) => name ?? '');

describe('the documents', () => {
  test('ARCHITECTURE.md shows the machines as they are (npm run docs)', () => {
    const document = read('ARCHITECTURE.md');
    expect(withMachineTables(document)).toBe(document);
    expect(() => withMachineTables('no markers')).toThrow('has no');
  });

  test('docs/dependencies.md says of each dependency why it is there', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const [, at_run_time, for_development] = read('docs/dependencies.md').split(/^## .*$/m);
    expect(listed(at_run_time)).toEqual(Object.keys(dependencies).toSorted());
    expect(listed(for_development)).toEqual(Object.keys(devDependencies).toSorted());
  });

  test('all dependencies have exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    for (const version of Object.values({ ...dependencies, ...devDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });
});
