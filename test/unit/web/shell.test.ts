import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imagePath, replicaPath, transferPath, viewOf } from '../../../src/web/routes.js';
import { type SseMessage, SseParser } from '../../../src/web/sse_parser.js';
import { moveIn } from '../../../src/web/fleet/grid_keys.js';
import { rangeOf } from '../../../src/web/ui/virtual.js';
import {
  copyWords,
  imageWords,
  replicaWords,
  transferWords,
  transfer_states,
} from '../../../src/web/ui/state_words.js';
import { machines } from '../../../src/actors/machines.js';

describe('addresses', () => {
  test('each view has one, and names of any kind come back', () => {
    expect(viewOf('/')).toEqual({ view: 'fleet' });
    expect(viewOf('/transfers')).toEqual({ view: 'transfers' });
    expect(viewOf('/transfers/17-3fa9')).toEqual({ view: 'transfer', id: '17-3fa9' });
    expect(viewOf('/replicas/')).toEqual({ view: 'replicas' });
    expect(viewOf('/images')).toEqual({ view: 'unknown' });
    expect(viewOf('/elsewhere')).toEqual({ view: 'unknown' });
    expect(viewOf('/replicas/a/b')).toEqual({ view: 'unknown' });
    expect(viewOf('/replicas/%zz')).toEqual({ view: 'replica', name: '%zz' });
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(name, (text) => {
        expect(viewOf(replicaPath(text))).toEqual({ view: 'replica', name: text });
        expect(viewOf(imagePath(text))).toEqual({ view: 'image', name: text });
        expect(viewOf(transferPath(text))).toEqual({ view: 'transfer', id: text });
      }),
    );
  });

  test('the last part has no dot: the master would look for a file', () => {
    expect(imagePath('debian-12.3')).toBe('/images/debian-12%2E3');
  });
});

describe('server-sent events', () => {
  const text =
    ': ping\nid: 4\n\nid: 7\nevent: event\ndata: {"a":1}\n\nevent: gap\r\ndata: one\r\ndata: two\r\n\r\ndata:x\n\nevent: none\n\n';
  const all: SseMessage[] = [
    { event: '', data: '', id: '4' },
    { event: 'event', data: '{"a":1}', id: '7' },
    { event: 'gap', data: 'one\ntwo', id: '' },
    { event: 'message', data: 'x', id: '' },
  ];

  test('come whole wherever they are cut', () => {
    expect(new SseParser().push(text)).toEqual(all);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const parser = new SseParser();
        const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const parts = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(parts.flatMap((part) => parser.push(part))).toEqual(all);
      }),
    );
  });

  test('what is not whole is not told', () => {
    expect(new SseParser().push('event: a\ndata: 1\n')).toEqual([]);
  });
});

describe('rows that can be seen', () => {
  test('are made, with some around them, and no others', () => {
    expect(rangeOf(100, 800, 40, 10_000)).toEqual({ begin: 0, end: 24 });
    const { begin, end } = rangeOf(-200_000, 800, 40, 10_000);
    expect(begin).toBeLessThanOrEqual(5_000);
    expect(end).toBeGreaterThanOrEqual(5_020);
    expect(end - begin).toBeLessThan(60);
    expect(rangeOf(0, 800, 40, 3)).toEqual({ begin: 0, end: 3 });
    expect(rangeOf(-9_000, 800, 40, 3)).toEqual({ begin: 3, end: 3 });
  });

  test('every row that can be seen is among them', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50_000, max: 900 }), fc.nat(1_500), (top_px, count) => {
        const { begin, end } = rangeOf(top_px, 900, 42, count);
        const seen = Array.from({ length: count }, (_, row) => row).filter(
          (row) => top_px + (row + 1) * 42 > 0 && top_px + row * 42 < 900,
        );
        expect(seen.filter((row) => row < begin || row >= end)).toEqual([]);
      }),
    );
  });
});

test('keys lead to cells of the grid and never out of it', () => {
  const size = { replicas: { length: 30 }, images: { length: 4 } };
  const from = { row: 2, column: 1 };
  expect(moveIn('ArrowDown', false, from, size)).toEqual({ row: 3, column: 1 });
  expect(moveIn('k', false, from, size)).toEqual({ row: 1, column: 1 });
  expect(moveIn('l', false, from, size)).toEqual({ row: 2, column: 2 });
  expect(moveIn('h', false, { row: 0, column: 0 }, size)).toEqual({ row: 0, column: 0 });
  expect(moveIn('PageDown', false, { row: 25, column: 0 }, size)).toEqual({ row: 29, column: 0 });
  expect(moveIn('PageUp', false, from, size)).toEqual({ row: 0, column: 1 });
  expect(moveIn('Home', true, from, size)).toEqual({ row: 0, column: 0 });
  expect(moveIn('End', true, from, size)).toEqual({ row: 29, column: 3 });
  expect(moveIn('End', false, from, size)).toEqual({ row: 2, column: 3 });
  expect(moveIn('Enter', false, from, size)).toBeUndefined();
});

const statesOf = (kind: 'transfer' | 'replica' | 'image'): string[] =>
  Object.keys(machines[kind].machine.states);

describe('states', () => {
  test('each state of a machine has words of its own', () => {
    for (const state of statesOf('transfer')) expect(transfer_states).toContain(state);
    for (const state of statesOf('replica')) expect(replicaWords(state).shape).not.toBe('question');
    for (const state of statesOf('image')) expect(imageWords(state).shape).not.toBe('question');
  });

  test('one of a newer master is told as it is', () => {
    expect(transferWords('being_weighed')).toEqual({ word: 'being weighed', tone: 'off', shape: 'question' });
  });

  test('those side by side in the fleet differ by their shapes', () => {
    const states = ['in_sync', 'behind', 'in_transfer', 'failed', 'empty', 'unknown'] as const;
    expect(new Set(states.map((state) => copyWords(state).shape)).size).toBe(states.length);
  });
});

/** Relative luminance of `#rrggbb`. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((from) => Number.parseInt(colour.slice(from, from + 2), 16) / 255)
    .map((value) => (value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe('colours', () => {
  const styles = readFileSync(new URL('../../../src/web/styles/tokens.css', import.meta.url), 'utf8');
  const found = styles.matchAll(/--([\w-]+): light-dark\((#[\da-f]{6}), (#[\da-f]{6})\)/g);
  const tokens = new Map(
    [...found].map(([, name = '', light = '', dark = '']) => [name, [light, dark] as const]),
  );
  const tones = ['good', 'moving', 'waiting', 'warning', 'bad', 'off'];
  const grounds = ['ground', 'surface', 'raised'];
  const pairs: (readonly [string, string, number])[] = [
    ...['ink', 'ink-2', 'ink-3', 'accent', ...tones].flatMap((ink) =>
      grounds.map((ground) => [ink, ground, 4.5] as const),
    ),
    ...tones.map((tone) => [tone, `${tone}-ground`, 4.5] as const),
    ...['ink', 'ink-2', 'ink-3'].flatMap((ink) => [
      [ink, 'hover', 4.5] as const,
      [ink, 'selected', 4.5] as const,
    ]),
    ['ink-2', 'bad-ground', 4.5],
    ['on-accent', 'accent-fill', 4.5],
    ['on-accent', 'danger-fill', 4.5],
    ['edge-strong', 'surface', 3],
  ];

  test.each(pairs)('%s on %s can be read', (ink, ground, least) => {
    const [of_ink, of_ground] = [tokens.get(ink), tokens.get(ground)];
    if (of_ink === undefined || of_ground === undefined) throw new Error(`no ${ink} or no ${ground}`);
    expect(contrast(of_ink[0], of_ground[0])).toBeGreaterThanOrEqual(least);
    expect(contrast(of_ink[1], of_ground[1])).toBeGreaterThanOrEqual(least);
  });
});
