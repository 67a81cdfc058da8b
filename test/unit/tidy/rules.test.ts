import { describe, expect, test } from 'vitest';
import {
  checkHosts,
  checkImports,
  checkPurity,
  checkShape,
  checkWords,
  findCycles,
} from './support/rules.js';
import { readImports, withoutComments } from './support/source.js';

const sample = (files: Record<string, string>): Map<string, string> => new Map(Object.entries(files));

describe('the checks can fail', () => {
  test('imports are found in every form, and not in comments', () => {
    const source = `
      import a from 'one';
      import type { B } from './two.js';
      import {
        c,
        type D,
      } from '../three.js';
      import 'four';
      export { e } from 'five';
      export * from 'six';
      const f = await import('seven');
      // import g from 'eight';
      /* import h from 'nine'; */
      const url = 'https://example.org'; import { i } from 'ten';`;
    const found = ['one', './two.js', '../three.js', 'four', 'five', 'six', 'seven', 'ten'];
    expect(readImports(source)).toEqual(found);
    expect(withoutComments(`'//' // x`).trim()).toBe(`'//'`);
  });

  test('imports of the wrong folder or package', () => {
    const files = {
      'src/core/a.ts': "import { b } from '../storage/b.js';\nimport fs from 'node:fs';",
      'src/storage/b.ts': "import sqlite from 'better-sqlite3';\nimport { a } from '../core/a.js';",
      'src/actors/c.ts': "import { b } from '../storage/b.js';\nimport { z } from 'zod';",
      'src/cli/d.ts': "import { gone } from './gone.js';",
      'src/attic/e.ts': '',
    };
    expect(checkImports(sample(files))).toEqual([
      'src/core/a.ts: core must not import storage',
      'src/core/a.ts: core must not import node:fs',
      'src/actors/c.ts: actors must not import storage',
      'src/actors/c.ts: actors must not import zod',
      'src/cli/d.ts: imports src/cli/gone.ts, which is not there',
      'src/attic/e.ts: the house has no folder attic',
    ]);
  });

  test('cycles', () => {
    const files = {
      'src/core/a.ts': "import './b.js';",
      'src/core/b.ts': "import type { C } from './c.js';",
      'src/core/c.ts': "import './b.js';",
    };
    expect(findCycles(sample(files))).toEqual(['src/core/b.ts -> src/core/c.ts -> src/core/b.ts']);
  });

  test('clocks and randomness outside of the daemon', () => {
    const impure = [
      'const t = Date.now();',
      'const t = new Date();',
      'Math.random()',
      "import { createHash, randomBytes } from 'node:crypto';",
      'crypto.randomUUID()',
      'performance.now()',
    ];
    for (const source of impure) {
      expect(checkPurity(sample({ 'src/core/a.ts': source }))).toHaveLength(1);
      expect(checkPurity(sample({ 'src/daemon/a.ts': source }))).toEqual([]);
    }
    const pure =
      "// Date.now\nimport { createHash } from 'node:crypto';\nnew Date(at_ms); this.randomBytes(3);";
    expect(checkPurity(sample({ 'src/core/a.ts': pure }))).toEqual([]);
  });

  test('barrels, default exports and long files', () => {
    const files = {
      'src/core/index.ts': '',
      'src/core/a.ts': "export * from './b.js';",
      'src/core/b.ts': 'export default 1;',
      'src/core/c.ts': '\n'.repeat(401),
      'src/core/d.ts': '\n'.repeat(400),
    };
    expect(checkShape(sample(files))).toEqual([
      'src/core/index.ts: a barrel',
      'src/core/a.ts: passes everything on',
      'src/core/b.ts: a default export',
      'src/core/c.ts: more than 400 lines',
    ]);
  });

  test('words of what is not finished', () => {
    for (const word of ['TODO', 'FIXME', 'for now', 'test.skip(', 'it.only(']) {
      expect(checkWords(sample({ 'a.ts': `fine\n ${word} x` }))).toHaveLength(1);
    }
    expect(checkWords(sample({ 'a.ts': 'for nowhere; skip(3)' }))).toEqual([]);
  });

  test('hosts of registries', () => {
    expect(
      checkHosts(sample({ 'package-lock.json': '"resolved": "x"', a: 'https://registry.npmjs.org/' })),
    ).toHaveLength(2);
    expect(checkHosts(sample({ a: 'the registry of control links' }))).toEqual([]);
  });
});
