import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff_ms, default_backoff, jittered_ms, spreadOf } from '../../../src/core/backoff.js';

describe('backoff_ms', () => {
  test('lies between 75 % and 100 % of the growing wait, and never above the largest', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 10_000 }), fc.string(), (failures, key) => {
        const { first_ms, factor, max_ms } = default_backoff;
        const full_ms = Math.min(first_ms * factor ** Math.min(Math.max(failures, 1) - 1, 60), max_ms);
        const wait_ms = backoff_ms(failures, key);
        expect(wait_ms).toBeGreaterThanOrEqual(Math.floor(full_ms * 0.75));
        expect(wait_ms).toBeLessThanOrEqual(full_ms);
        expect(Number.isInteger(wait_ms)).toBe(true);
      }),
    );
  });

  test('is the same for the same arguments and spreads different keys', () => {
    const waits = Array.from({ length: 100 }, (_, index) => backoff_ms(3, `transfer-${index}`));
    expect(waits).toEqual(Array.from({ length: 100 }, (_, index) => backoff_ms(3, `transfer-${index}`)));
    expect(new Set(waits).size).toBeGreaterThan(50);
  });

  test('takes a policy of its own', () => {
    const policy = { first_ms: 10, factor: 10, max_ms: 500 };
    expect(backoff_ms(1, 'a', policy)).toBeLessThanOrEqual(10);
    expect(backoff_ms(2, 'a', policy)).toBeGreaterThanOrEqual(75);
    expect(backoff_ms(9, 'a', policy)).toBeLessThanOrEqual(500);
  });
});

describe('jittered_ms', () => {
  test('is anything from 0 to a window that grows to the largest', () => {
    const policy = { first_ms: 100, factor: 2, max_ms: 1_000 };
    expect([0, 0.5, 1 - 2 ** -32].map((random) => jittered_ms(2, random, policy))).toEqual([0, 100, 200]);
    expect([0, 1, 4, 5, 900].map((failures) => jittered_ms(failures, 0.5, policy))).toEqual([
      50, 50, 400, 500, 500,
    ]);
  });
});

describe('spreadOf', () => {
  test('lies between 0 and 1, is always the same for a name, and parts names that are nearly the same', () => {
    const spreads = Array.from({ length: 1_000 }, (_, index) => spreadOf(`replica-${index}`));
    expect(spreads).toEqual(Array.from({ length: 1_000 }, (_, index) => spreadOf(`replica-${index}`)));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const inside = spreads.filter((spread) => Math.floor(spread * 10) === tenth).length;
      // 100 on average, with a standard deviation below 10.
      expect(inside).toBeGreaterThan(60);
      expect(inside).toBeLessThan(140);
    }
  });
});
