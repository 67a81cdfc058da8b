import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff_ms, default_backoff } from '../../../src/core/backoff.js';

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
