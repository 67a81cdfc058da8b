/** What comes together is committed together, and means the same as if it had come one by one. */
import { describe, expect, test } from 'vitest';
import type { OutgoingMessage } from '../../../src/core/records.js';
import type { Commit } from '../../../src/runtime/ports.js';
import { Bench, cause, one, settle, two } from './support/bench.js';

function watch({ runtime }: Bench): Commit[] {
  const commits: Commit[] = [];
  runtime.subscribe((commit) => commits.push(commit));
  return commits;
}

const typesOf = ({ events }: Commit): string[] => events.map(({ id, event }) => `${id} ${event.type}`);

/** Two actors whose effects run. */
async function twoAtWork(): Promise<Bench> {
  const bench = new Bench();
  bench.create('one');
  bench.create('two');
  bench.send('work');
  bench.send('work', {}, two);
  await settle();
  expect(bench.work.calls).toHaveLength(2);
  return bench;
}

describe('effects that report in one turn', () => {
  test('are one commit, in the order in which they reported', async () => {
    const bench = await twoAtWork();
    const commits = watch(bench);
    bench.work.calls[1]?.end('work.done');
    bench.work.calls[0]?.end('work.done');
    await settle();
    expect(commits.map(typesOf)).toEqual([['two work.done', 'one work.done']]);
    expect(bench.storage.history.effects(one).map(({ status }) => status)).toEqual(['done']);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'are heard, and so is what is delivered %d promises later; both once',
    async (promises) => {
      const bench = await twoAtWork();
      bench.work.calls[0]?.end('work.done');
      for (let turn = 0; turn < promises; turn += 1) await Promise.resolve();
      const { events } = bench.runtime.deliver(two, { type: 'count' }, cause);
      expect(events.map(({ event }) => event.type)).toEqual(['count']);
      expect(bench.context(two)['count']).toBe(1);
      await settle();
      expect(bench.history(one).filter((type) => type === 'work.done')).toHaveLength(1);
      expect(bench.history(two).filter((type) => type === 'count')).toHaveLength(1);
    },
  );

  test('and one that was stopped meanwhile is not heard, the other is', async () => {
    const bench = await twoAtWork();
    bench.work.calls[0]?.end('work.done');
    bench.work.calls[1]?.end('work.done');
    bench.send('halt');
    await settle();
    expect(bench.history(one)).not.toContain('work.done');
    expect(bench.history(two)).toContain('work.done');
    expect(bench.storage.history.effects(one).map(({ status }) => status)).toEqual(['stopped']);
  });

  test('end what waits for them, after the commit', async () => {
    const bench = new Bench();
    bench.create();
    const { effects } = bench.runtime.deliver(one, { type: 'work' }, cause);
    const end = bench.runtime.effectEnd(effects[0]?.id ?? '');
    await settle();
    bench.work.calls[0]?.end('work.done');
    expect(await end).toMatchObject({ status: 'done' });
    expect(bench.history()).toContain('work.done');
  });

  test('are not lost when the node stops in that moment', async () => {
    const bench = await twoAtWork();
    for (const call of bench.work.calls) call.end('work.done');
    for (let turn = 0; turn < 20 && !bench.history(two).includes('work.done'); turn += 1) {
      await Promise.resolve();
    }
    await bench.runtime.close();
    expect(bench.history(one)).toContain('work.done');
    expect(bench.history(two)).toContain('work.done');
  });

  test('are taken a hundred at a time, all of them', async () => {
    const bench = new Bench();
    const ids = Array.from({ length: 250 }, (_, index) => `a${index}`);
    for (const id of ids) {
      bench.create(id);
      bench.send('work', {}, { kind: 'image', id });
    }
    await settle();
    const commits = watch(bench);
    for (const call of bench.work.calls) call.end('work.done');
    while (commits.flatMap(typesOf).length < ids.length) await settle();
    expect(commits.map(({ events }) => events.length)).toEqual([100, 100, 50]);
  });
});

const message = (id: number): OutgoingMessage => ({
  id,
  peer: 'here',
  to: one,
  create: null,
  event: { type: 'count' },
});

describe('messages of peers', () => {
  test('that come at one time are one commit, in their order, each once', async () => {
    const bench = new Bench();
    bench.create();
    const commits = watch(bench);
    const taken = [1, 2, 2, 3].map((id) => bench.runtime.receive('north', 'db-1', message(id)));
    expect(commits).toEqual([]);
    await Promise.all(taken);
    expect(commits.map(typesOf)).toEqual([['one count', 'one count', 'one count']]);
    expect(commits[0]?.events.map((event) => event.cause)).toEqual(
      [1, 2, 3].map((id) => ({ kind: 'peer', node: 'north', message: id })),
    );
  });

  test('are committed before what is delivered after them, and when the node stops', async () => {
    const bench = new Bench();
    bench.create();
    const first = bench.runtime.receive('north', 'db-1', message(1));
    bench.runtime.deliver(one, { type: 'halt' }, cause);
    expect(bench.history().slice(-2)).toEqual(['count', 'halt']);
    await first;
    const last = bench.runtime.receive('north', 'db-1', message(2));
    await bench.runtime.close();
    await last;
    expect(bench.history().at(-1)).toBe('count');
    expect(() => bench.runtime.receive('north', 'db-1', message(3))).toThrow('stopping');
  });

  test('of which the commit fails are not acknowledged, none of them', async () => {
    const bench = new Bench();
    bench.create();
    const taken = [1, 2].map((id) => bench.runtime.receive('north', 'db-1', message(id)));
    bench.storage.transaction = () => {
      throw new Error('the disk is full');
    };
    const ends = await Promise.allSettled(taken);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});

test('what is not settled is woken together when the node starts', () => {
  const bench = new Bench();
  for (let index = 0; index < 150; index += 1) bench.create(`a${index}`);
  const before = bench.storage.history.lastEventId();
  let transactions = 0;
  const transaction = bench.storage.transaction.bind(bench.storage);
  bench.storage.transaction = (work) => {
    transactions += 1;
    return transaction(work);
  };
  bench.start();
  const woken = bench.storage.history.eventsAfter(before, 1_000);
  expect(woken.map(({ event }) => event.type)).toEqual(Array.from({ length: 150 }, () => 'restarted'));
  // The epoch, and two times at most a hundred.
  expect(transactions).toBe(3);
});
