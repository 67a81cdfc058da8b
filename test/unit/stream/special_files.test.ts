import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SpecialFiles } from '../../../src/stream/special_files.js';

test('what is in a renamed directory moves with it', () => {
  const special = new SpecialFiles(100);
  expect(special.add(['a', 'b', 'link'], 'symlink')).toBe(true);
  expect(special.add(['a', 'fifo'], 'fifo')).toBe(true);
  expect(special.move(['a', 'b'], ['c'])).toBe(true);
  expect(special.kindOf(['a', 'b', 'link'])).toBeUndefined();
  expect(special.kindOf(['c', 'link'])).toBe('symlink');
  expect(special.kindOf(['c'])).toBeUndefined();
  expect(special.findAbove(['c', 'link', 'x'])).toEqual({ kind: 'symlink', depth: 2 });
  expect(special.findAbove(['c', 'link'])).toBeUndefined();
  expect(special.findAbove(['a', 'fifo', 'x', 'y'])).toEqual({ kind: 'fifo', depth: 2 });
  expect(special.move(['not', 'there'], ['x'])).toBe(true);
  expect(special.kindOf(['x'])).toBeUndefined();
});

test('only as many as allowed, and what is removed makes room', () => {
  const special = new SpecialFiles(3);
  expect(special.add(['a', 'b'], 'symlink')).toBe(true);
  expect(special.add(['c'], 'symlink')).toBe(true);
  expect(special.add(['d'], 'symlink')).toBe(false);
  expect(special.move(['c'], ['x', 'y', 'c'])).toBe(false);
  special.remove(['a', 'b']);
  expect(special.add(['d', 'e'], 'symlink')).toBe(true);
});

const names = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 });
const any_step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), path: names, to: names }),
  fc.record({ do: fc.constant('remove' as const), path: names, to: names }),
  fc.record({ do: fc.constant('move' as const), path: names, to: names }),
);

const startsWith = (path: string, above: string): boolean => path === above || path.startsWith(`${above}/`);

test('it is a set of paths, after any steps, and none of them is counted that is gone', () => {
  fc.assert(
    fc.property(fc.array(any_step, { maxLength: 40 }), (steps) => {
      const special = new SpecialFiles(1_000);
      let paths = new Set<string>();
      for (const step of steps) {
        const [path, to] = [step.path.join('/'), step.to.join('/')];
        const below = [...paths].filter((one) => startsWith(one, path));
        if (step.do === 'add') {
          special.add(step.path, 'symlink');
          paths.add(path);
        } else if (step.do === 'remove') {
          special.remove(step.path);
          paths = new Set([...paths].filter((one) => !startsWith(one, path)));
        } else if (![...paths].some((one) => startsWith(one, to) || startsWith(to, path))) {
          special.move(step.path, step.to);
          for (const one of below) {
            paths.delete(one);
            paths.add(to + one.slice(path.length));
          }
        }
        for (const one of paths) expect(special.kindOf(one.split('/'))).toBe('symlink');
      }
      for (const one of paths) special.remove(one.split('/'));
      // All room is there again.
      const room = Array.from({ length: 1_000 }, (_, index) => special.add([`n${index}`], 'fifo'));
      expect(room.every(Boolean)).toBe(true);
      expect(special.add(['one more'], 'fifo')).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('directories renamed into each other a thousand times are removed without a deep stack', () => {
  const special = new SpecialFiles(100_000);
  special.add(['d', 'link'], 'symlink');
  const way = Array.from({ length: 50 }, () => 'd');
  for (let round = 0; round < 1_000; round += 1) {
    special.move(['d'], ['e', ...way]);
    special.move(['e'], ['d']);
  }
  special.remove(['d']);
  expect(special.findAbove(['d', ...way])).toBeUndefined();
});
