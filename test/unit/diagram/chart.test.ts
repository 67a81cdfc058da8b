import { describe, expect, test } from 'vitest';
import type { MachineGraph } from '../../../src/core/machine_report.js';
import { bareDiagram, chartOf } from '../../../src/diagram/chart.js';
import { cancelled, diagramOf, graphs, kinds } from './samples.js';

describe.each(kinds)('the chart of a %s', (kind) => {
  const graph = graphs[kind];
  const chart = chartOf(bareDiagram(graph));

  test('hides nothing: every transition to another state is an edge, or in what leads there from many', () => {
    const drawn = new Set([
      ...chart.edges.flatMap(({ from, to, labels }) => labels.map(({ event }) => `${from} ${event} ${to}`)),
      ...chart.entries.flatMap(({ to, events }) =>
        events.flatMap(({ event, from }) => from.map((name) => `${name} ${event} ${to}`)),
      ),
    ]);
    const moving = graph.transitions.filter(({ from, to }) => from !== to);
    expect(drawn).toEqual(new Set(moving.map(({ from, event, to }) => `${from} ${event} ${to}`)));
  });

  test('has few enough edges to be read', () => {
    expect(chart.edges.length).toBeLessThanOrEqual(2.5 * graph.states.length);
    const pairs = chart.edges.map(({ from, to }) => `${from} ${to}`);
    expect(new Set(pairs).size).toBe(pairs.length);
  });
});

test('what was taken is an edge, with how often, before what was not', () => {
  const { edges, states } = chartOf(cancelled);
  const edge = (from: string, to: string) => edges.find((other) => other.from === from && other.to === to);
  expect(edge('sending', 'disconnected')?.labels[0]).toMatchObject({ event: 'send.link_lost', count: 2 });
  expect(edge('disconnected', 'sending')).toMatchObject({ count: 2, is_back: true });
  expect(
    edge('disconnected', 'sending')
      ?.labels.slice(0, 2)
      .map(({ event, count }) => [event, count]),
  ).toEqual([
    ['replica.online', 1],
    ['after reconnect', 1],
  ]);
  // Bare, this one is among all that lead there.
  expect(edge('sending', 'cancelling')).toMatchObject({ count: 1, labels: [{ event: 'cancel' }] });
  expect(edge('sending', 'confirming')?.count).toBe(0);
  const sending = states.find(({ name }) => name === 'sending');
  expect(sending).toMatchObject({ visits: 4, stayed: 1, is_current: false });
  expect(states.filter(({ is_current }) => is_current).map(({ name }) => name)).toEqual(['cancelling']);
});

test('a way through states that the machine of now does not have is left out', () => {
  const chart = chartOf(
    diagramOf(graphs.transfer, [
      ['created', 'queued'],
      ['go', 'an_old_state'],
      ['migrated', 'sending'],
    ]),
  );
  expect(chart.edges.filter(({ count }) => count > 0)).toEqual([]);
  expect(chart.states.filter(({ visits }) => visits > 0).map(({ name }) => name)).toEqual([
    'queued',
    'sending',
  ]);
});

test('from where, in words', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'end'];
  const graph: MachineGraph = {
    kind: 'image',
    version: 1,
    states: names.map((name) => ({
      name,
      description: '',
      is_settled: name === 'end',
      is_initial: name === 'a',
    })),
    transitions: [
      ...names.slice(0, 5).map((from) => ({ from, to: 'end', event: 'stop', guard: '', is_common: true })),
      ...names.slice(1, 5).map((from) => ({ from, to: 'a', event: 'again', guard: '', is_common: false })),
      { from: 'a', to: 'b', event: 'go', guard: '', is_common: false },
    ],
  };
  const { entries, edges } = chartOf(bareDiagram(graph));
  expect(entries.map(({ to, from_words }) => [to, from_words])).toEqual([
    ['end', 'any state'],
    ['a', '4 states'],
  ]);
  expect(edges.map(({ from, to }) => [from, to])).toEqual([['a', 'b']]);
});
