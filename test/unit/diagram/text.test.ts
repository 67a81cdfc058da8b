import { describe, expect, test } from 'vitest';
import type { MachineGraph } from '../../../src/core/machine_report.js';
import { bareDiagram } from '../../../src/diagram/chart.js';
import { renderText } from '../../../src/diagram/text.js';
import { cancelled, diagramOf, graphs, hostile_diagram, kinds } from './samples.js';

const state = (name: string, description: string) => ({
  name,
  description,
  is_settled: name === 'gone',
  is_initial: name === 'waiting',
});
const door: MachineGraph = {
  kind: 'image',
  version: 3,
  states: [
    state(
      'waiting',
      'until somebody comes, which may take longer than a line of a terminal has room for words',
    ),
    state('open', 'it lets everybody in'),
    state('gone', 'it was taken away'),
  ],
  transitions: [
    { from: 'waiting', to: 'open', event: 'push', guard: 'isStrong', is_common: false },
    { from: 'waiting', to: 'gone', event: 'push', guard: '', is_common: false },
    { from: 'open', to: 'open', event: 'push', guard: '', is_common: false },
    { from: 'open', to: 'waiting', event: 'after wind', guard: '', is_common: false },
    { from: 'waiting', to: 'gone', event: 'take', guard: '', is_common: true },
    { from: 'open', to: 'gone', event: 'take', guard: '', is_common: true },
  ],
};

test('a machine: its states, and what leads out of them', () => {
  expect(renderText(bareDiagram(door))).toBe(`the machine of an image, version 3, 3 states

o waiting  until somebody comes, which may take longer than a line of a terminal
             has room for words
             push -> open or gone

  open     it lets everybody in
             after wind -> waiting

* gone     it was taken away

o  begins here
*  settled: nothing happens in it by itself
In every state that does not say otherwise: take -> gone
`);
});

test('the way of an actor, in the order in which it came into each state', () => {
  const way = diagramOf(door, [
    ['created', 'waiting'],
    ['push', 'open'],
    ['push', 'open'],
    ['xstate.after.wind.image.open', 'waiting'],
    ['push', 'open'],
  ]);
  expect(renderText(way, { name: 'front' })).toBe(`image front: open

  waiting ×2  push ×2 -> open
> open ×2     after wind -> waiting
              (stayed with 1 other event)
              it is here now: it lets everybody in

  can follow:
    after wind -> waiting
    take -> gone

  never visited: gone
`);
  const parked = renderText({ ...way, parked_reason: 'the program has a fault' });
  expect(parked).toContain('image: open, parked\n');
  expect(parked).toContain('  parked: the program has a fault\n');
  expect(parked).not.toContain('can follow');
});

describe.each(kinds)('the text of a %s', (kind) => {
  test('names each state, and no line is longer than a terminal is wide', () => {
    const text = renderText(bareDiagram(graphs[kind]));
    for (const { name } of graphs[kind].states) expect(text).toMatch(new RegExp(`^[o* ] ${name}\\b`, 'm'));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

test('a long way fits narrow terminals too, and nothing in it obeys one', () => {
  for (const columns of [60, 80, 132]) {
    for (const line of renderText(cancelled, { columns }).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(columns);
    }
  }
  expect(renderText(hostile_diagram)).not.toMatch(/[^\P{Cc}\n]/u);
});
