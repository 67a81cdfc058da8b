import { describe, expect, it } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { DiagramReport } from '../../../src/core/machine_report.js';
import { pathOf, takenSteps } from '../../../src/core/path.js';
import type { EventRecord } from '../../../src/core/records.js';
import { graphOf } from '../../../src/inspection/machine_graph.js';
import { chartAt, stepsBefore } from '../../../src/web/transfer/path_at.js';
import { indexOf, keyMove, moveTo, placeIn, stateRuns } from '../../../src/web/transfer/travel.js';
import { eventRecord } from '../../support/event_record.js';

const actor = { kind: 'transfer', id: '1-a' } as const;
const states = [
  'queued',
  'planning',
  'offering',
  'sending',
  'disconnected',
  'sending',
  'disconnected',
  'sending',
];
const types = [
  'created',
  'slot.granted',
  'plan.done',
  'reception.ready',
  'send.link_lost',
  'replica.online',
  'send.link_lost',
  'xstate.after.reconnect.transfer.disconnected',
];
const events: EventRecord[] = states.map((state, index) =>
  eventRecord({
    ...actor,
    seq: index + 1,
    event: { type: types[index] ?? '' },
    state_before: states[index - 1] ?? '',
    state,
  }),
);
const ignored = eventRecord({
  ...actor,
  seq: 9,
  event: { type: 'resume' },
  state_before: 'sending',
  state: 'sending',
  handled: false,
});

const reportOf = (told: readonly EventRecord[]): DiagramReport => ({
  ...actor,
  graph: graphOf('transfer', machines.transfer),
  state: told.at(-1)?.state ?? '',
  parked_reason: '',
  ...pathOf(takenSteps(told)),
});

const counts = (ways: DiagramReport['path']) =>
  ways.map(({ from, to, event, count }) => `${from} ${to} ${event} ${count}`).toSorted();

describe('the chart in the past', () => {
  const diagram = reportOf(events);

  it('is at each step as it would have been then', () => {
    const before = stepsBefore(diagram, events);
    expect(before).toEqual([]);
    for (const { seq } of events) {
      const then = reportOf(events.slice(0, seq));
      expect(chartAt(diagram, before, events, seq).diagram).toEqual(then);
    }
  });

  it('is the same when the oldest events were not loaded', () => {
    for (const first of [1, 2, 4, 6]) {
      const loaded = events.slice(first);
      const before = stepsBefore(diagram, loaded);
      for (const { seq } of loaded) {
        const { visits, path } = chartAt(diagram, before, loaded, seq).diagram;
        const then = reportOf(events.slice(0, seq));
        expect(visits).toEqual(then.visits);
        expect(counts(path)).toEqual(counts(then.path));
      }
    }
  });

  it('goes on with events that came after the load', () => {
    const early = reportOf(events.slice(0, 5));
    const before = stepsBefore(early, events.slice(0, 5));
    const now = chartAt(early, before, [...events, ignored], null);
    expect(now.diagram).toEqual(diagram);
    expect(now.last_way).toBeNull();
  });

  it('says by which way it came there', () => {
    expect(chartAt(diagram, [], events, 8).last_way).toEqual({
      from: 'disconnected',
      to: 'sending',
      event: 'after reconnect',
    });
    expect(chartAt(diagram, [], events, 1).last_way).toBeNull();
  });
});

describe('going through the past', () => {
  const seqs = [4, 5, 7, 9];

  it('goes step by step, and the last step leads to now', () => {
    expect(moveTo(seqs, null, 'back')).toBe(7);
    expect(moveTo(seqs, 7, 'back')).toBe(5);
    expect(moveTo(seqs, 4, 'back')).toBe(4);
    expect(moveTo(seqs, 4, 'forward')).toBe(5);
    expect(moveTo(seqs, 7, 'forward')).toBeNull();
    expect(moveTo(seqs, null, 'forward')).toBeNull();
    expect(moveTo(seqs, null, 'first')).toBe(4);
    expect(moveTo(seqs, 5, 'last')).toBeNull();
    expect(moveTo([], null, 'first')).toBeNull();
    expect(moveTo([3], null, 'back')).toBe(3);
  });

  it('finds the event at or before a place that has none', () => {
    expect(indexOf(seqs, 6)).toBe(1);
    expect(indexOf(seqs, 1)).toBe(0);
    expect(indexOf(seqs, null)).toBe(3);
  });

  it('reads the place from the address, and takes no nonsense', () => {
    expect(placeIn('?at=12')).toBe(12);
    for (const search of ['', '?at=', '?at=0', '?at=-3', '?at=1e3', '?at=x', '?at=99999999999999']) {
      expect(placeIn(search), search).toBeNull();
    }
  });

  it('has its keys', () => {
    expect(['ArrowLeft', 'ArrowRight', 'Home', 'End', ' ', 'Escape', 'a'].map(keyMove)).toEqual([
      'back',
      'forward',
      'first',
      'last',
      'play',
      'now',
      null,
    ]);
  });

  it('shows the times in each state', () => {
    expect(stateRuns([...events.slice(2, 5), ignored, ignored])).toEqual([
      { state: 'offering', from: 0, to: 0 },
      { state: 'sending', from: 1, to: 1 },
      { state: 'disconnected', from: 2, to: 2 },
      { state: 'sending', from: 3, to: 4 },
    ]);
  });
});
