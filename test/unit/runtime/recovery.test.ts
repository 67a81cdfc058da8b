import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold } from '../../../src/runtime/fold.js';
import { Bench, one, settle, two } from './support/bench.js';
import { counters, secondVersion } from './support/counter.js';

const rename = { 1: ({ context }: { context: unknown }) => ({ value: 'resting', context }) };

describe('a new epoch', () => {
  test('begins with `restarted`, once, before anything else', () => {
    const bench = new Bench();
    bench.create();
    bench.start();
    expect(bench.runtime.epoch).toBe(2);
    bench.send('count');
    bench.send('count');
    expect(bench.history()).toEqual(['created', 'restarted', 'count', 'count']);
    expect(bench.storage.history.events(one)[1]).toMatchObject({ event: { epoch: 2 }, epoch: 2 });
  });

  test('an actor that another one wakes is told first too', () => {
    const bench = new Bench();
    bench.create();
    bench.create('two');
    bench.start();
    bench.start();
    bench.send('tell', { to: 'two', say: 'count' });
    expect(bench.history(two)).toEqual(['created', 'restarted', 'restarted', 'count']);
  });

  test('a settled actor is told only before its next event', () => {
    const bench = new Bench();
    bench.create();
    bench.send('settle');
    bench.start();
    bench.start();
    expect(bench.history()).toEqual(['created', 'settle']);
    bench.send('count');
    expect(bench.history()).toEqual(['created', 'settle', 'restarted', 'count']);
    expect(bench.context()).toMatchObject({ restarts: 1, count: 1 });
  });
});

describe('parking', () => {
  test('an actor that throws is parked, visibly, and the others go on', () => {
    const bench = new Bench();
    bench.create();
    bench.create('two');
    const parked: string[] = [];
    bench.runtime.subscribe((commit) => parked.push(...commit.parked.map(({ id }) => id)));
    bench.send('count');
    bench.send('explode');
    expect(bench.row()).toMatchObject({ status: 'parked', state: 'idle', seq: 3 });
    expect(bench.row().parked_reason).toContain('the machine is broken');
    expect(bench.storage.actors.parked().map(({ id }) => id)).toEqual(['one']);
    expect(parked).toEqual(['one']);
    bench.send('count');
    expect(bench.context()['count']).toBe(1);
    expect(bench.storage.history.events(one).at(-1)).toMatchObject({
      handled: false,
      event: { type: 'count' },
    });
    bench.send('count', {}, two);
    expect(bench.context(two)['count']).toBe(1);
    bench.start();
    expect(bench.row()).toMatchObject({ status: 'parked' });
    expect(bench.context(two)).toMatchObject({ count: 1, restarts: 1 });
    expect(fold(counters.image, bench.storage.history.events(one))).toEqual(bench.row().snapshot);
    expect(bench.fatal).toEqual([]);
  });

  test.each([
    ['a state that the machine does not have', { value: 'nowhere', context: {} }, 1, 'nowhere'],
    ['a newer version of the machine', { value: 'idle', context: {} }, 7, 'machine version 7'],
  ])('%s parks the actor at the start', (_what, snapshot, machine_version, reason) => {
    const bench = new Bench();
    bench.create();
    bench.create('two');
    bench.storage.actors.save({ ...bench.row(), snapshot, machine_version });
    bench.start();
    expect(bench.row().status).toBe('parked');
    expect(bench.row().parked_reason).toContain(reason);
    expect(bench.row().snapshot).toEqual(snapshot);
    expect(bench.row(two).status).toBe('running');
    expect(bench.history(two)).toEqual(['created', 'restarted']);
  });
});

describe('a new version of a machine', () => {
  test('migrates the state, says so in the history, and then tells of the restart', () => {
    const bench = new Bench();
    bench.create();
    bench.send('count');
    bench.start(secondVersion(rename));
    bench.send('count', { by: { amount: 10 } });
    expect(bench.history()).toEqual(['created', 'count', 'migrated', 'restarted', 'count']);
    expect(bench.row()).toMatchObject({ machine_version: 2, state: 'resting' });
    expect(bench.context()['count']).toBe(11);
    // From the migration on: the first `count` would make the new machine throw.
    const { image } = secondVersion(rename);
    expect(fold(image, bench.storage.history.events(one))).toEqual(bench.row().snapshot);
  });

  test.each([
    ['is missing', {}, 'no migration from machine version 1'],
    [
      'throws',
      {
        1: (): never => {
          throw new Error('too old');
        },
      },
      'too old',
    ],
  ])('parks the actor when the migration %s', (_what, migrations, reason) => {
    const bench = new Bench();
    bench.create();
    bench.start(secondVersion(migrations));
    expect(bench.row()).toMatchObject({ status: 'parked', machine_version: 1 });
    expect(bench.row().parked_reason).toContain(reason);
    expect(bench.history()).toEqual(['created']);
  });
});

describe('fold', () => {
  test('is what the row of every actor holds, whatever happens', async () => {
    const steps = [
      'work',
      'halt',
      'wait',
      'count',
      'tell',
      'spawn',
      'nonsense',
      'explode',
      'end',
      'time',
      'crash',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...steps), { maxLength: 30 }), async (sequence) => {
        const bench = new Bench();
        bench.create();
        bench.create('two');
        for (const step of sequence) {
          if (step === 'crash') bench.start();
          else if (step === 'time') bench.clock.advance(3_000);
          else if (step === 'end') bench.work.calls.shift()?.end('work.done');
          else bench.send(step, { to: 'two', say: 'work', id: 'three' });
          await settle();
        }
        for (const actor of [one, two, { kind: 'image', id: 'three' } as const]) {
          const folded = bench.storage.history.events(actor);
          const row = bench.storage.actors.load(actor);
          if (row !== undefined) assert.deepEqual(fold(counters.image, folded), row.snapshot);
          expect(row?.seq ?? 0).toBe(folded.length);
        }
        expect(bench.fatal).toEqual([]);
        bench.storage.close();
      }),
      { numRuns: 60 },
    );
  });

  test('refuses a history without its beginning', () => {
    const bench = new Bench();
    bench.create();
    bench.send('count');
    expect(() => fold(counters.image, bench.storage.history.events(one).slice(1))).toThrow('creation');
    expect(() => fold(counters.image, [])).toThrow('creation');
  });
});
