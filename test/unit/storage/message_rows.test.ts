import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Storage } from '../../../src/storage/storage.js';

let storage: Storage;
beforeEach(() => {
  storage = Storage.open(':memory:');
});
afterEach(() => storage.close());

const put = (peer: string, type: string): number =>
  storage.messages.put({ peer, to: { kind: 'transfer', id: 't1' }, create: null, event: { type } }, 1).id;

describe('outbox', () => {
  test('keeps messages in order, by peer, until they are acknowledged', () => {
    const [first, other, second] = [put('north', 'a'), put('south', 'b'), put('north', 'c')] as [
      number,
      number,
      number,
    ];
    expect(storage.messages.waiting('north').map(({ id, event }) => [id, event.type])).toEqual([
      [first, 'a'],
      [second, 'c'],
    ]);
    storage.messages.acknowledge('north', other);
    expect(storage.messages.waiting('south')).toHaveLength(1);
    storage.messages.acknowledge('north', first);
    expect(storage.messages.waiting('north').map(({ id }) => id)).toEqual([second]);
  });

  test('the floor is the oldest that is not acknowledged', () => {
    expect(storage.messages.floor('north')).toBeUndefined();
    const [first, second] = [put('north', 'a'), put('north', 'b')] as [number, number];
    expect(storage.messages.floor('north')).toBe(first);
    storage.messages.acknowledge('north', first);
    expect(storage.messages.floor('north')).toBe(second);
  });

  test('never gives an id twice, not even after the last row went', () => {
    const first = put('north', 'a');
    storage.messages.acknowledge('north', first);
    expect(put('north', 'b')).toBeGreaterThan(first);
  });

  test('gives back what was put', () => {
    const message = {
      peer: 'north',
      to: { kind: 'reception', id: 't1' },
      create: { id: 't1', list: [1, null] },
      event: { type: 'transfer.offer', parent: null, text: 'ä\u0000"' },
    } as const;
    const put_message = storage.messages.put(message, 7);
    expect(put_message).toEqual({ ...message, id: put_message.id });
    expect(storage.messages.waiting('north')).toEqual([put_message]);
  });
});

describe('inbox', () => {
  test('sees a message once, by sender', () => {
    expect(storage.messages.see('db-1', 5)).toBe(true);
    expect(storage.messages.see('db-1', 5)).toBe(false);
    expect(storage.messages.see('db-2', 5)).toBe(true);
    expect(storage.messages.see('db-1', 4)).toBe(true);
  });

  test('a forgotten message stays seen, for a copy of it may still be on its way', () => {
    expect(storage.messages.see('db-1', 5)).toBe(true);
    storage.messages.forget('db-1', 6);
    expect(storage.messages.see('db-1', 5)).toBe(false);
    expect(storage.messages.see('db-1', 6)).toBe(true);
    expect(storage.messages.see('db-2', 5)).toBe(true);
    storage.messages.forget('db-1', 10);
    storage.messages.forget('db-1', 9);
    expect(storage.messages.see('db-1', 9)).toBe(false);
    expect(storage.messages.see('db-1', 10)).toBe(true);
  });
});

describe('timers', () => {
  const actor = { kind: 'transfer', id: 't1' } as const;
  const timer = (id: string, due_at_ms: number) => ({ actor, id, event: { type: id }, due_at_ms });

  test('come due in order, and one of the same name replaces the other', () => {
    storage.timers.set(timer('b', 20));
    storage.timers.set(timer('a', 10));
    storage.timers.set(timer('b', 5));
    expect(storage.timers.next()).toBe(5);
    expect(storage.timers.due(4)).toEqual([]);
    expect(storage.timers.due(10)).toEqual([timer('b', 5), timer('a', 10)]);
    expect(storage.timers.ofActor(actor)).toHaveLength(2);
    expect(storage.timers.cancel(actor, 'b')).toBe(true);
    expect(storage.timers.cancel(actor, 'b')).toBe(false);
    expect(storage.timers.next()).toBe(10);
  });
});
