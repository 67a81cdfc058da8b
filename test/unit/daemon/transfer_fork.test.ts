import { describe, expect, test } from 'vitest';
import type { ActorRecord, EventRecord, PlainEvent } from '../../../src/core/records.js';
import { forkedInput } from '../../../src/daemon/transfer_fork.js';
import { eventRecord } from '../../support/event_record.js';

const input = {
  id: '1-aaaa',
  image: 'vm',
  number: '3',
  replica: 'r1',
  codec: null,
  ssh: true,
  failures_max: 7,
  parent: 'auto',
  stream_version: null,
  forked_from: null,
};
const result = {
  uuid: 'u3',
  parent: { number: '2', uuid: 'u2' },
  reason: 'newest',
  codec: 'lz4',
  stream_version: 2,
};
const happened: PlainEvent[] = [
  { type: 'created', input },
  { type: 'slot.granted', at_ms: 1 },
  { type: 'plan.done', result, at_ms: 1 },
  { type: 'replica.offline', reason: 'cable', at_ms: 1 },
  { type: 'slot.granted', at_ms: 1 },
];
const record = { id: '1-aaaa', labels: { image: 'vm', snapshot: '3', replica: 'r1' } } as ActorRecord;
const events = (all: readonly PlainEvent[]): EventRecord[] =>
  all.map((event, index) =>
    eventRecord({ kind: 'transfer', id: '1-aaaa', seq: index + 1, event, state: '' }),
  );
const fork = (request: Parameters<typeof forkedInput>[2], all = happened) =>
  forkedInput(record, events(all), request, { failures_max: 3 });

describe('a fork', () => {
  test('takes the last plan, also while the next one is made', () => {
    expect(fork({})).toEqual({
      image: 'vm',
      number: '3',
      replica: 'r1',
      codec: 'lz4',
      ssh: true,
      failures_max: 7,
      parent: '2',
      stream_version: 2,
      forked_from: { transfer: '1-aaaa', seq: 5 },
    });
  });

  test('takes what was known after an event', () => {
    expect(fork({ at_seq: 2 })).toMatchObject({ parent: 'auto', codec: null, forked_from: { seq: 2 } });
    expect(fork({ at_seq: 3 })).toMatchObject({ parent: '2', codec: 'lz4' });
    for (const at_seq of [0, 6]) {
      expect(() => fork({ at_seq })).toThrow(`the transfer 1-aaaa has no event ${at_seq}`);
    }
  });

  test('does as it is told; to another replica it chooses its parent anew', () => {
    expect(fork({ codec: 'zlib', parent: 'none', ssh: false })).toMatchObject({
      codec: 'zlib',
      parent: 'none',
      ssh: false,
    });
    expect(fork({ to: 'r2' })).toMatchObject({ replica: 'r2', parent: 'auto', stream_version: null });
    expect(() => fork({ parent: '3' })).toThrow('its own parent');
  });

  test('is possible of one that cannot be told any more', () => {
    const broken = [...happened, { type: 'plan.failed', error: null, at_ms: 1 }];
    expect(fork({}, broken)).toMatchObject({
      image: 'vm',
      number: '3',
      replica: 'r1',
      parent: '2',
      ssh: true,
    });
    expect(fork({}, [{ type: 'slot.granted' }])).toMatchObject({
      image: 'vm',
      replica: 'r1',
      parent: 'auto',
      failures_max: 3,
    });
  });
});
