import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActorRecord, EffectRecord, EventRecord } from '../../../src/core/records.js';
import { Storage } from '../../../src/storage/storage.js';
import { eventRecord } from '../../support/event_record.js';

let storage: Storage;
beforeEach(() => {
  storage = Storage.open(':memory:');
});
afterEach(() => storage.close());

const actor = (id: string, more: Partial<ActorRecord> = {}): ActorRecord => ({
  kind: 'transfer',
  id,
  machine_version: 1,
  status: 'running',
  parked_reason: '',
  snapshot: { value: { sending: 'waiting' }, context: { name: 'ä', list: [1, null, { x: true }] } },
  state: 'queued',
  settled: false,
  labels: {},
  seq: 1,
  epoch: 1,
  created_at_ms: 1_000,
  updated_at_ms: 2_000,
  ...more,
});

describe('actors', () => {
  test('come back as they were saved, and are overwritten by the next save', () => {
    const first = actor('t1', { labels: { image: 'debian', replica: 'north', snapshot: '3' } });
    storage.actors.save(first);
    expect(storage.actors.load(first)).toEqual(first);
    const second = {
      ...first,
      status: 'parked',
      parked_reason: 'why',
      seq: 2,
      settled: true,
      labels: {},
    } as const;
    storage.actors.save(second);
    expect(storage.actors.load(first)).toEqual(second);
    expect(storage.actors.load({ kind: 'reception', id: 't1' })).toBeUndefined();
    expect(storage.actors.parked()).toEqual([second]);
  });

  test('are listed newest first by all that is asked for', () => {
    storage.actors.save(actor('aa', { created_at_ms: 1, labels: { image: 'debian', replica: 'north' } }));
    storage.actors.save(
      actor('ab', {
        created_at_ms: 2,
        labels: { image: 'debian', snapshot: '3' },
        state: 'failed',
        settled: true,
      }),
    );
    storage.actors.save(actor('b%', { created_at_ms: 3, labels: { replica: 'north' }, status: 'parked' }));
    storage.actors.save(actor('aa', { kind: 'image' }));
    const list = (filter: object): string[] =>
      storage.actors.list({ kind: 'transfer', ...filter }).map(({ id }) => id);
    expect(list({})).toEqual(['b%', 'ab', 'aa']);
    expect(list({ limit: 1 })).toEqual(['b%']);
    expect(list({ image: 'debian' })).toEqual(['ab', 'aa']);
    expect(list({ image: 'debian', replica: 'north' })).toEqual(['aa']);
    expect(list({ snapshot: '3' })).toEqual(['ab']);
    expect(list({ states: ['failed', 'queued'] })).toEqual(['ab', 'aa']);
    expect(list({ states: ['parked'] })).toEqual(['b%']);
    expect(list({ states: ['failed'] })).toEqual(['ab']);
    expect(list({ settled: false })).toEqual(['b%', 'aa']);
    expect(list({ status: 'parked' })).toEqual(['b%']);
    expect(list({ since_ms: 2 })).toEqual(['b%', 'ab']);
    expect(list({ text: 'NORT' })).toEqual(['b%', 'aa']);
    expect(list({ text: 'B%' })).toEqual(['b%']);
    expect(list({ text: '3', image: 'debian' })).toEqual(['ab']);
    expect(list({ text: '' })).toEqual(['b%', 'ab', 'aa']);
    expect(list({ id_prefix: 'a' })).toEqual(['ab', 'aa']);
    expect(list({ id_prefix: '%' })).toEqual([]);
    expect(storage.actors.countByState('transfer')).toEqual({ failed: 1, queued: 2 });
    expect(storage.actors.unsettled()).toEqual([
      { kind: 'transfer', id: 'aa' },
      { kind: 'transfer', id: 'b%' },
      { kind: 'image', id: 'aa' },
    ]);
  });
});

const event = (seq: number): EventRecord =>
  eventRecord({
    event_id: seq,
    kind: 'transfer',
    id: 't1',
    seq,
    at_ms: 5,
    event: { type: 'cancel', nested: { a: [null] } },
    cause: { kind: 'operator', who: 'root' },
    state_before: 'planning',
    state: 'queued',
    attempt: 2,
    handled: seq % 2 === 0,
    ignored_reason: 'the state queued takes no cancel',
    guards: [{ guard: 'wasOffered', passed: false }],
    intents: [{ type: 'timer', timer: 'backoff', due_at_ms: 7 }],
    digest: '0123456789abcdef',
  });

describe('history', () => {
  const effect: EffectRecord = {
    id: 'transfer/t1:2:0',
    actor: { kind: 'transfer', id: 't1' },
    seq: 2,
    kind: 'plan',
    params: { image: 'debian', codec: null },
    status: 'running',
    epoch: 1,
    started_at_ms: 5,
    ended_at_ms: null,
    error: null,
  };

  test('gives back events in order; a number stands once', () => {
    const ids = [2, 1, 10].map((seq) => storage.history.append(event(seq)).event_id);
    expect(ids).toEqual([1, 2, 3]);
    const address = { kind: 'transfer', id: 't1' } as const;
    const [second, first, tenth] = [event(2), event(1), event(10)].map((row, index) => ({
      ...row,
      event_id: index + 1,
    }));
    expect(storage.history.events(address)).toEqual([first, second, tenth]);
    expect(storage.history.events(address, { limit: 2 })).toEqual([second, tenth]);
    expect(storage.history.events(address, { after_seq: 1, limit: 1 })).toEqual([second]);
    expect(storage.history.countEvents(address)).toBe(3);
    expect(storage.history.eventsAfter(1, 10)).toEqual([first, tenth]);
    expect(storage.history.eventsAfter(1, 1)).toEqual([first]);
    expect(storage.history.lastEventId()).toBe(3);
    expect(() => storage.history.append(event(2))).toThrow('UNIQUE');
  });

  test('an effect ends once', () => {
    storage.history.insertEffect(effect);
    expect(storage.history.effect(effect.id)).toEqual(effect);
    const error = {
      code: 'NoSpace',
      message: 'm',
      operation: 'o',
      subject: 's',
      retryable: true,
      hint: '',
    } as const;
    expect(storage.history.endEffect(effect.id, 'failed', 9, error)).toBe(true);
    expect(storage.history.endEffect(effect.id, 'done', 10, null)).toBe(false);
    expect(storage.history.effects(effect.actor)).toEqual([
      { ...effect, status: 'failed', ended_at_ms: 9, error },
    ]);
  });

  test('stops only the running effects of that actor and kind, loses only those of earlier epochs', () => {
    storage.history.insertEffect(effect);
    storage.history.insertEffect({ ...effect, id: 'b', kind: 'send', epoch: 2 });
    storage.history.insertEffect({ ...effect, id: 'c', actor: { kind: 'transfer', id: 't2' } });
    expect(storage.history.stopEffects(effect.actor, 'plan', 7)).toEqual([effect.id]);
    expect(storage.history.stopEffects(effect.actor, 'plan', 8)).toEqual([]);
    expect(storage.history.loseEffects(2, 9)).toBe(1);
    expect(['b', 'c', effect.id].map((id) => storage.history.effect(id)?.status)).toEqual([
      'running',
      'lost',
      'stopped',
    ]);
  });
});

describe('the rest of a node', () => {
  test('keeps meta, progress and processes', () => {
    expect(storage.node.meta('epoch')).toBeUndefined();
    storage.node.setMeta('epoch', '1');
    storage.node.setMeta('epoch', '2');
    expect(storage.node.meta('epoch')).toBe('2');
    const progress = {
      actor: { kind: 'transfer', id: 't1' },
      attempt: 2,
      stream_bytes: 9_007_199_254_740_991,
      link_bytes: 1,
      total_bytes: null,
      rate_bytes_per_s: 3,
      taken_bytes: 4,
      checkpoint_bytes: 2,
      checkpoint_at_ms: 40,
      started_at_ms: 4,
      at_ms: 5,
    } as const;
    storage.node.saveProgress({ ...progress, stream_bytes: 1 });
    storage.node.saveProgress(progress);
    expect(storage.node.progress(progress.actor)).toEqual(progress);
    const child = { pid: 12, start_time: '345', effect_id: 'e', command: 'btrfs send' };
    storage.node.addProcess(child);
    expect(storage.node.processes()).toEqual([child]);
    storage.node.removeProcess(12);
    expect(storage.node.processes()).toEqual([]);
  });

  test('a transaction that throws changes nothing', () => {
    expect(() =>
      storage.transaction(() => {
        storage.node.setMeta('x', '1');
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(storage.node.meta('x')).toBeUndefined();
    expect(storage.sizeBytes()).toBeGreaterThan(4_096);
  });
});
