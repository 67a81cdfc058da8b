import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkImageName,
  checkNodeName,
  checkSnapshotNumber,
  compareSnapshotNumbers,
  hidden_prefix,
  nextSnapshotNumber,
} from '../../../src/core/names.js';

const isAccepted = (name: string): boolean => {
  try {
    return checkImageName(name) === name;
  } catch {
    return false;
  }
};

describe('names', () => {
  test.each(['debian', 'debian 12', '1', 'Ä', '日本', 'a.b', 'a-b', '🐧', 'x'.repeat(255)])(
    '%j is one',
    (name) => {
      expect(checkImageName(name)).toBe(name);
      expect(checkSnapshotNumber(name)).toBe(name);
      expect(checkNodeName(name)).toBe(name);
    },
  );

  test.each<[string, string]>([
    ['', 'is empty'],
    ['a/b', 'contains "/"'],
    ['..', 'starts with "."'],
    ['.hidden', 'starts with "."'],
    [`${hidden_prefix}t1`, 'starts with "."'],
    ['-rf', 'starts with "-"'],
    ['a\0b', 'control character'],
    ['a\nb', 'control character'],
    ['a\u007f', 'control character'],
    ['a\ud800', 'not well-formed'],
    ['x'.repeat(256), '255 bytes'],
    ['ä'.repeat(128), '255 bytes'],
  ])('%j is none', (name, why) => {
    expect(() => checkSnapshotNumber(name)).toThrow(
      expect.objectContaining({
        code: 'InvalidArgument',
        message: expect.stringContaining(why),
        subject: name,
      }),
    );
  });

  test('an accepted name is one path component that comes back from the disk as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
        fc.pre(isAccepted(name));
        expect(new URL(encodeURIComponent(name), 'file:///a/b/').pathname.split('/')).toHaveLength(4);
        expect(Buffer.from(name).toString()).toBe(name);
      }),
    );
  });
});

describe('snapshot numbers', () => {
  const names = fc.oneof(
    fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
    fc.constantFrom('01', 'v1', '1a', 'ü', '00'),
  );

  test('are ordered by value, names after numbers', () => {
    const ordered = ['0', '2', '10', '99999999999999999998', '99999999999999999999', '01', 'a', 'b'];
    expect([...ordered].toReversed().toSorted(compareSnapshotNumbers)).toEqual(ordered);
  });

  test('have a total order', () => {
    fc.assert(
      fc.property(names, names, names, (a, b, c) => {
        const ab = Math.sign(compareSnapshotNumbers(a, b));
        expect(ab + Math.sign(compareSnapshotNumbers(b, a))).toBe(0);
        expect(ab === 0).toBe(a === b);
        const [first, second, third] = [a, b, c].toSorted(compareSnapshotNumbers) as [string, string, string];
        expect(compareSnapshotNumbers(first, second)).toBeLessThanOrEqual(0);
        expect(compareSnapshotNumbers(second, third)).toBeLessThanOrEqual(0);
        expect(compareSnapshotNumbers(first, third)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test('the next one is after all numbers', () => {
    expect(nextSnapshotNumber([])).toBe('1');
    expect(nextSnapshotNumber(['3', '10', 'golden', '011'])).toBe('11');
    fc.assert(
      fc.property(fc.array(names), (numbers) => {
        const next = nextSnapshotNumber(numbers);
        const largest = numbers
          .filter((number) => /^(0|[1-9]\d*)$/.test(number))
          .toSorted(compareSnapshotNumbers);
        expect(numbers).not.toContain(next);
        expect(compareSnapshotNumbers(largest.at(-1) ?? '0', next)).toBeLessThan(0);
      }),
    );
  });
});
