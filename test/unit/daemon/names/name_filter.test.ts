import { performance } from 'node:perf_hooks';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileExpression } from '../../../../src/daemon/names/name_filter.js';
import { real_clock } from '../../transport/support.js';
import { address, nameBench, operator } from './registry_support.js';

const matches = (regex: string, name: string): boolean => compileExpression(regex, real_clock)(name);

function refusal(regex: string): unknown {
  try {
    return compileExpression(regex, real_clock);
  } catch (error) {
    return error;
  }
}

describe('an expression', () => {
  test('matches as JavaScript does from the start, in what both know', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '\\.',
      'a*',
      'b+',
      '(a|b)',
      '.?',
      'a{1,2}',
      '$',
      '(ab)*',
    );
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(atom, { maxLength: 6 }), name, (atoms, text) => {
        const regex = atoms.join('');
        expect(matches(regex, text)).toBe(new RegExp(`^(?:${regex})`).test(text));
      }),
    );
  });

  test.each([
    ['(a', 'missing closing )'],
    ['vm.(a', 'missing closing )'],
    ['vm[z-a]x', '"z-a" at character 4'],
    ['vm**', '"**" at character 3'],
    ['*', 'missing argument to repetition operator'],
    ['(?=a)', 'at character 1'],
    ['x(?<!a)', 'at character 2'],
    ['(a)\\1', 'at character 4'],
    ['a{1001}', '"{1001}" at character 2'],
  ])('%s is not valid, and it is said where', (regex, where) => {
    expect(refusal(regex)).toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringContaining(where),
      hint: expect.stringContaining("RE2's"),
    });
  });

  test.each([
    ['long', 'a'.repeat(1_001), 'longer than 1000 characters'],
    ['large in many repeats', 'a{1,1000}'.repeat(100), 'too large'],
    ['large in nested repeats', '((a{10}){10}){10}'.repeat(50), 'too large'],
    ['large in one repeat of much', `(${'ab'.repeat(400)}){1000}`, 'too large'],
    ['large when it is compiled', `(${'a'.repeat(40)}){1000}`, 'too large'],
  ])('that is too %s is refused at once', (_name, regex, why) => {
    const started_ms = performance.now();
    expect(refusal(regex)).toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining(why) });
    expect(performance.now() - started_ms).toBeLessThan(2_000);
  });

  test.each([
    'icbdrep\\.replica\\.[a-z][a-z0-9-]{0,62}$',
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    '\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$',
    '(?i)VM\\.\\pL{255}',
  ])('%s, as people write, is taken', (regex) => {
    expect(typeof refusal(regex)).toBe('function');
  });

  test.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)*(.*)*(.*)*b', '(a?){100}a{100}$', '([a-z]+)*\\d'])(
    '%s, which takes others for ever, is answered soon',
    (regex) => {
      const started_ms = performance.now();
      const long = `${'a'.repeat(254)}!`;
      for (let index = 0; index < 20; index += 1) expect(matches(regex, long)).toBe(false);
      expect(performance.now() - started_ms).toBeLessThan(5_000);
    },
  );
});

test('an expression that is hard for all names together is given up, and removes nothing', () => {
  const bench = nameBench();
  bench.storage.transaction(() => {
    const report = bench.registry.lookup('icbdrep.nameserver');
    for (let index = 0; index < 2_000; index += 1) {
      bench.storage.names.save({ ...report, address, name: `${'a'.repeat(240)}${index}`, owner: 'r1' });
    }
  });
  const regex = '(a?){250}a{250}$';
  // The bench's clock stands still: the limit is the real clock's to keep.
  Object.assign(bench.clock, { now: () => Date.now() });
  const started_ms = performance.now();
  const late = expect.objectContaining({
    code: 'InvalidArgument',
    message: expect.stringContaining('takes longer'),
  });
  expect(() => bench.registry.list({ regex })).toThrow(late);
  expect(() => bench.registry.remove(operator, { regex })).toThrow(late);
  expect(performance.now() - started_ms).toBeLessThan(5_000);
  expect(bench.registry.ping().names).toBe(2_001);
});
