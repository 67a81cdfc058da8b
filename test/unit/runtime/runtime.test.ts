import { describe, expect, test } from 'vitest';
import type { Commit } from '../../../src/runtime/ports.js';
import { Bench, cause, one, settle, two } from './support/bench.js';
import { counters } from './support/counter.js';

describe('one commit', () => {
  test('an effect starts only after its event, its row and the new state are in the database', async () => {
    const bench = new Bench();
    const seen: unknown[] = [];
    bench.start(counters, {
      work: (effect) => {
        const row = bench.storage.history.effect(effect.id);
        seen.push(row?.status, bench.row().state, bench.history().at(-1));
        return Promise.resolve({ type: 'work.done' });
      },
    });
    bench.create();
    bench.send('work');
    expect(seen).toEqual([]);
    await settle();
    expect(seen).toEqual(['running', 'working', 'work']);
    expect(bench.row().state).toBe('idle');
    expect(bench.storage.history.effects(one)).toMatchObject([{ status: 'done', kind: 'work' }]);
  });

  test('tells, spawns and messages of a step are in the same commit', () => {
    const bench = new Bench();
    bench.create();
    bench.create('two');
    const commits: Commit[] = [];
    bench.runtime.subscribe((commit) => commits.push(commit));
    bench.send('tell', { to: 'two', say: 'count' });
    expect(commits).toHaveLength(1);
    expect(commits[0]?.events.map(({ id, event }) => [id, event.type])).toEqual([
      ['one', 'tell'],
      ['two', 'count'],
    ]);
    expect(bench.context(two)['count']).toBe(1);
    expect(bench.storage.history.events(two).at(-1)?.cause).toEqual({
      kind: 'actor',
      actor: 'image/one',
      seq: 2,
    });

    bench.send('spawn', { id: 'three' });
    expect(commits[1]?.events.map(({ id, event }) => [id, event.type])).toEqual([
      ['one', 'spawn'],
      ['three', 'created'],
    ]);
    bench.send('spawn', { id: 'two' });
    expect(bench.context(two)['count']).toBe(1);

    bench.send('message', { peer: 'north' });
    expect(commits.at(-1)?.messages).toEqual(bench.storage.messages.waiting('north'));
    expect(bench.storage.messages.waiting('north')).toHaveLength(1);
  });

  test('nothing happens when the commit fails', () => {
    const bench = new Bench();
    bench.create();
    expect(() => bench.runtime.deliver(one, { type: 'work', big: 1n }, cause)).toThrow('BigInt');
    expect(bench.row()).toMatchObject({ state: 'idle', seq: 1 });
    expect(bench.history()).toEqual(['created']);
    expect(bench.storage.history.effects(one)).toEqual([]);
  });

  test('an event for nobody is dropped; one with an input makes its actor', () => {
    const bench = new Bench();
    expect(bench.runtime.deliver(one, { type: 'count' }, cause).events).toEqual([]);
    bench.runtime.deliver(one, { type: 'count' }, cause, { name: 'one' });
    bench.runtime.deliver(one, { type: 'count' }, cause, { name: 'another' });
    expect(bench.context()).toMatchObject({ name: 'one', count: 2 });
    expect(bench.history()).toEqual(['created', 'count', 'count']);
  });

  test('an event that the machine does not know is kept and marked', () => {
    const bench = new Bench();
    bench.create();
    bench.send('nonsense');
    expect(bench.storage.history.events(one).at(-1)).toMatchObject({ handled: false, state: 'idle', seq: 2 });
  });
});

describe('subscribers', () => {
  test('hear of commits in order, also when one of them delivers', () => {
    const bench = new Bench();
    bench.create();
    bench.runtime.subscribe(({ events }) => {
      if (events[0]?.event.type === 'work') bench.send('halt');
    });
    const heard: (string | undefined)[] = [];
    bench.runtime.subscribe(({ events }) => heard.push(events[0]?.event.type));
    bench.send('work');
    expect(heard).toEqual(['work', 'halt']);
  });

  test('one that throws neither keeps the others from hearing nor undoes the commit', () => {
    const bench = new Bench();
    bench.create();
    bench.runtime.subscribe(() => {
      throw new Error('deaf');
    });
    const heard: Commit[] = [];
    const unsubscribe = bench.runtime.subscribe((commit) => heard.push(commit));
    bench.send('count');
    expect(heard).toHaveLength(1);
    expect(bench.fatal.map(({ message }) => message)).toEqual(['deaf']);
    unsubscribe();
    bench.send('count');
    expect(heard).toHaveLength(1);
    expect(bench.context()['count']).toBe(2);
  });
});

describe('effects', () => {
  test('a stopped one is aborted, and what it reports later is dropped', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    const [call] = bench.work.calls;
    const end = bench.runtime.effectEnd(call?.effect ?? '');
    bench.send('halt');
    expect(call?.signal.aborted).toBe(true);
    expect(await end).toEqual({ status: 'stopped' });
    call?.end('work.done');
    await settle();
    expect(bench.history()).toEqual(['created', 'work', 'halt']);
    expect(bench.storage.history.effects(one)).toMatchObject([{ status: 'stopped' }]);
  });

  test('the next one of an actor waits until the stopped one has ended', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    bench.send('work');
    await settle();
    expect(bench.work.calls).toHaveLength(1);
    bench.work.calls[0]?.fail(new Error('aborted'));
    await settle();
    expect(bench.work.calls).toHaveLength(2);
    expect(bench.row().state).toBe('working');
  });

  test('one that is started and stopped in the same step never runs', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('flash');
    await settle();
    expect(bench.work.calls).toEqual([]);
    expect(bench.storage.history.effects(one)).toMatchObject([{ status: 'stopped' }]);
  });

  test('what a handler throws becomes its failure; so does a handler that is not there', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    const end = bench.runtime.effectEnd(bench.work.calls[0]?.effect ?? '');
    bench.work.calls[0]?.fail(new Error('no disk'));
    expect(await end).toMatchObject({ status: 'failed', event: { type: 'work.failed' } });
    expect(bench.storage.history.events(one).at(-1)?.event).toMatchObject({
      type: 'work.failed',
      error: { code: 'Internal', message: 'no disk', operation: 'work', retryable: false },
    });
    expect(bench.storage.history.effects(one)).toMatchObject([
      { status: 'failed', error: { message: 'no disk' } },
    ]);
    bench.start(counters, {});
    bench.send('work');
    await settle();
    expect(bench.context()['last']).toBe('work.failed');
  });

  test('one of an earlier epoch is lost, and its late report is dropped', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    bench.start();
    expect(bench.storage.history.effects(one)).toMatchObject([{ status: 'lost', epoch: 1 }]);
    bench.work.calls[0]?.end('work.done');
    await settle();
    expect(bench.history()).toEqual(['created', 'work', 'restarted']);
    expect(bench.row().state).toBe('working');
  });

  test('one that runs tells of what happens; not after it was stopped, and not in a later epoch', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    const [call] = bench.work.calls;
    expect(call?.tell({ type: 'work.noted' })).toBe(true);
    expect(bench.history()).toEqual(['created', 'work', 'work.noted']);
    const told = bench.storage.history.events(one).at(-1);
    expect(told?.cause).toEqual({ kind: 'effect', effect: call?.effect });
    expect(bench.storage.history.effects(one)).toMatchObject([{ status: 'running' }]);

    bench.start();
    expect(call?.tell({ type: 'work.noted' })).toBe(false);
    bench.send('work');
    await settle();
    const last = bench.work.calls.at(-1);
    bench.send('halt');
    expect(last?.tell({ type: 'work.noted' })).toBe(false);
    expect(bench.history().filter((type) => type === 'work.noted')).toHaveLength(1);
  });

  test('close stops them, waits for their handlers, and takes nothing more', async () => {
    const bench = new Bench();
    bench.create();
    bench.send('work');
    await settle();
    const end = bench.runtime.effectEnd(bench.work.calls[0]?.effect ?? '');
    let is_closed = false;
    const closing = bench.runtime.close().then(() => {
      is_closed = true;
    });
    await settle();
    expect(bench.work.calls[0]?.signal.aborted).toBe(true);
    expect(is_closed).toBe(false);
    bench.work.calls[0]?.end('work.done');
    await closing;
    expect(await end).toEqual({ status: 'stopped' });
    expect(bench.history()).toEqual(['created', 'work']);
    expect(() => bench.send('count')).toThrow('the daemon is stopping');
    expect(bench.fatal).toEqual([]);
  });
});

describe('timers', () => {
  test('go off once, at their time, and are cancelled when their state is left', () => {
    const bench = new Bench();
    bench.create();
    bench.send('wait');
    bench.clock.advance(4_999);
    expect(bench.row().state).toBe('waiting');
    bench.clock.advance(1);
    expect(bench.row().state).toBe('idle');
    expect(bench.context()['last']).toBe('rang');
    bench.send('wait');
    bench.send('halt');
    expect(bench.storage.timers.ofActor(one)).toEqual([]);
    bench.clock.advance(10_000);
    expect(bench.history().at(-1)).toBe('halt');
  });

  test('come from their rows after a restart, also when they fell due meanwhile', () => {
    const bench = new Bench();
    bench.create();
    bench.send('wait');
    bench.start();
    bench.clock.advance(5_000);
    expect(bench.context()['last']).toBe('rang');
    bench.send('wait');
    bench.clock.now_ms += 60_000;
    bench.start();
    bench.clock.advance(0);
    expect(bench.row().state).toBe('idle');
    expect(bench.history().filter((type) => type.startsWith('xstate.after'))).toHaveLength(2);
  });
});

describe('messages of other nodes', () => {
  test('are acted on once, by the instance of their sender, and say who sent them', async () => {
    const bench = new Bench();
    const message = { id: 5, peer: 'here', to: one, create: { name: 'one' }, event: { type: 'count' } };
    expect(await bench.runtime.receive('north', 'db-1', message)).toBe(true);
    expect(await bench.runtime.receive('north', 'db-1', message)).toBe(false);
    expect(await bench.runtime.receive('north', 'db-2', message)).toBe(true);
    expect(bench.context()['count']).toBe(2);
    expect(bench.storage.history.events(one).at(-1)).toMatchObject({
      event: { type: 'count', from: 'north' },
      cause: { kind: 'peer', node: 'north', message: 5 },
    });
  });

  test('cannot claim to come from another node', async () => {
    const bench = new Bench();
    bench.create();
    const event = { type: 'count', from: 'admin' };
    await bench.runtime.receive('north', 'db-1', { id: 1, peer: 'here', to: one, create: null, event });
    expect(bench.storage.history.events(one).at(-1)?.event['from']).toBe('north');
  });
});
