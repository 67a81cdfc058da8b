import { expect, test } from 'vitest';
import { eventName, pathOf, takenSteps } from '../../../src/core/path.js';
import type { EventRecord } from '../../../src/core/records.js';
import { Storage } from '../../../src/storage/storage.js';
import { eventRecord } from '../../support/event_record.js';

const backoff = 'xstate.after.backoff.transfer.resting';

/** Type of the event, and the state after it; one that is ignored has no state. */
const history: readonly (readonly [string, string | null])[] = [
  ['created', 'queued'],
  ['slot.granted', 'planning'],
  ['plan.failed', 'resting'],
  [backoff, 'queued'],
  ['slot.granted', 'planning'],
  ['plan.done', null],
  ['plan.done', 'offering'],
  ['reception.ready', 'sending'],
  ['send.begun', 'sending'],
  ['send.begun', 'sending'],
  ['restarted', 'disconnected'],
];

function records(): EventRecord[] {
  let before = '';
  return history.map(([type, after], index) => {
    const state = after ?? before;
    const record = eventRecord({
      kind: 'transfer',
      id: 't1',
      event: { type },
      state_before: before,
      state,
      seq: index + 1,
      event_id: index + 1,
      handled: after !== null,
    });
    before = state;
    return record;
  });
}

const wanted = {
  visits: { queued: 2, planning: 2, resting: 1, offering: 1, sending: 1, disconnected: 1 },
  path: [
    { from: 'planning', to: 'resting', event: 'plan.failed', count: 1, seq: 3 },
    { from: 'resting', to: 'queued', event: 'after backoff', count: 1, seq: 4 },
    { from: 'queued', to: 'planning', event: 'slot.granted', count: 2, seq: 5 },
    { from: 'planning', to: 'offering', event: 'plan.done', count: 1, seq: 7 },
    { from: 'offering', to: 'sending', event: 'reception.ready', count: 1, seq: 8 },
    { from: 'sending', to: 'sending', event: 'send.begun', count: 2, seq: 10 },
    { from: 'sending', to: 'disconnected', event: 'restarted', count: 1, seq: 11 },
  ],
};

test('timers are called by their names', () => {
  expect(eventName(backoff)).toBe('after backoff');
  expect(eventName('plan.done')).toBe('plan.done');
});

test('the way of an actor: what was ignored is not in it, and who stays does not come again', () => {
  const path = pathOf(takenSteps(records()));
  expect(path).toEqual(wanted);
  expect(Object.keys(path.visits)).toEqual(Object.keys(wanted.visits));
});

test('the database adds it up to the same', () => {
  const storage = Storage.open(':memory:');
  for (const record of records()) storage.history.append(record);
  storage.history.append(
    eventRecord({ kind: 'transfer', id: 't2', event: { type: 'created' }, state: 'queued' }),
  );
  const path = pathOf(storage.paths.steps({ kind: 'transfer', id: 't1' }));
  expect(path).toEqual(wanted);
  expect(Object.keys(path.visits)).toEqual(Object.keys(wanted.visits));
  expect(storage.paths.steps({ kind: 'transfer', id: 't3' })).toEqual([]);
});
