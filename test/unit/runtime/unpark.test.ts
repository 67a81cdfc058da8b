import { expect, test } from 'vitest';
import { fold } from '../../../src/runtime/fold.js';
import { Bench, one } from './support/bench.js';
import { counters, secondVersion } from './support/counter.js';

const operator = { kind: 'operator', who: 'test' } as const;

test('a parked actor stops what it did, and goes on when an operator lets it', () => {
  const bench = new Bench();
  bench.create();
  bench.send('work');
  bench.send('explode');
  expect(bench.row()).toMatchObject({ status: 'parked', state: 'working' });
  expect(bench.storage.history.effects(one).map(({ status }) => status)).toEqual(['stopped']);
  bench.runtime.unpark(one, operator, {}, { type: 'count' });
  expect(bench.row()).toMatchObject({ status: 'running', parked_reason: '' });
  expect(bench.history().slice(-3)).toEqual(['unparked', 'restarted', 'count']);
  expect(bench.context()).toMatchObject({ count: 1, restarts: 1 });
  expect(fold(counters.image, bench.storage.history.events(one))).toEqual(bench.row().snapshot);
});

test('one that is not parked only gets the event', () => {
  const bench = new Bench();
  bench.create();
  bench.runtime.unpark(one, operator, {}, { type: 'count' });
  expect(bench.history()).toEqual(['created', 'count']);
});

test('one that could not be migrated is migrated now, or parked again', () => {
  const bench = new Bench();
  bench.create();
  bench.send('count');
  bench.start(secondVersion({}));
  expect(bench.row()).toMatchObject({ status: 'parked' });
  bench.runtime.unpark(one, operator);
  expect(bench.row()).toMatchObject({ status: 'parked', machine_version: 1 });
  expect(bench.storage.history.events(one).at(-1)).toMatchObject({
    event: { type: 'unparked' },
    handled: false,
  });
  const mended = secondVersion({ 1: ({ context }) => ({ value: 'resting', context }) });
  bench.start(mended);
  bench.runtime.unpark(one, operator);
  expect(bench.row()).toMatchObject({ status: 'running', machine_version: 2 });
  expect(fold(mended.image, bench.storage.history.events(one))).toEqual(bench.row().snapshot);
});
