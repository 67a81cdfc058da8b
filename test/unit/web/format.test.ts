import { describe, expect, test } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumberOf,
  formatRate,
  formatRelative,
  formatShortDuration,
  formatShortTime,
  formatTime,
  fractionOf,
} from '../../../src/web/ui/format.js';
import { paceWords, percentOf, progressWords } from '../../../src/web/ui/progress_words.js';

const minute_s = 60;
const hour_s = 3_600;
const day_s = 86_400;

describe('numbers and times in words', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '0.98 KiB'],
    [10_239, '10.0 KiB'],
    [104_857_600, '100 MiB'],
    [1_073_741_824, '1.00 GiB'],
    [1e18, '888 PiB'],
  ])('%d bytes', (bytes, words) => expect(formatBytes(bytes)).toBe(words));

  test.each([
    [0.0321, '32 ms'],
    [0.9996, '1.0 s'],
    [9.96, '10 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [hour_s, '1 h'],
    [2 * hour_s + 5 * minute_s + 3, '2 h 5 min'],
    [4 * day_s + 6 * hour_s, '4 d 6 h'],
    [312 * day_s + 5 * hour_s, '312 d'],
  ])('%d seconds', (seconds, words) => expect(formatDuration(seconds)).toBe(words));

  test.each([
    [-3, '0 s'],
    [59.4, '59 s'],
    [119, '1 min'],
    [47 * hour_s, '47 h'],
    [49 * hour_s, '2 d'],
  ])('%d seconds, short', (seconds, words) => expect(formatShortDuration(seconds)).toBe(words));

  test('ago and to come', () => {
    expect(formatRelative(1_000, 2_500)).toBe('just now');
    expect(formatRelative(0, 180_000)).toBe('3 min ago');
    expect(formatRelative(20_000, 0)).toBe('in 20 s');
    expect([formatAgo(20_000, 0), formatAgo(0, 20_000)]).toEqual(['just now', '20 s ago']);
  });

  test('times are of the reader, with the day only if it is another', () => {
    const at_ms = new Date(2026, 10, 3, 4, 5, 6).getTime();
    expect(formatTime(at_ms)).toBe('2026-11-03 04:05:06');
    expect(formatShortTime(at_ms, at_ms + 3_600_000)).toBe('04:05:06');
    expect(formatShortTime(at_ms, at_ms + 30 * 3_600_000)).toBe('2026-11-03 04:05');
  });

  test('counts', () => {
    expect([7, 1_234, 1_234_567].map(formatCount)).toEqual(['7', '1\u202f234', '1\u202f234\u202f567']);
    expect([formatNumberOf(1, 'snapshot'), formatNumberOf(0, 'copy', 'copies')]).toEqual([
      '1 snapshot',
      '0 copies',
    ]);
  });

  test('shares of what may not be known', () => {
    expect([fractionOf(1, 4), fractionOf(5, 4), fractionOf(1, 0), fractionOf(1, null)]).toEqual([
      0.25,
      1,
      null,
      null,
    ]);
  });
});

describe('progress in words', () => {
  const progress = {
    stream_bytes: 1_073_741_824,
    link_bytes: 1,
    total_bytes: 4 * 1_073_741_824,
    rate_bytes_per_s: 104_857_600,
    eta_s: 30.2,
    taken_bytes: 0,
    checkpoint_bytes: null,
    checkpoint_at_ms: null,
    at_ms: 0,
  };
  const unknown = { ...progress, total_bytes: null, eta_s: null, rate_bytes_per_s: 0 };

  test('with and without a known end', () => {
    expect(percentOf(progress)).toBe('25 %');
    expect(progressWords(progress)).toBe('1.00 GiB of about 4.00 GiB, 100 MiB/s, 31 s left');
    expect(paceWords(progress)).toBe(`${formatRate(104_857_600)}, 31 s left`);
    expect(percentOf(unknown)).toBe('');
    expect(progressWords(unknown)).toBe('1.00 GiB');
    expect(paceWords(unknown)).toBe('1.00 GiB');
  });
});
