import { describe, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { MachineSnapshot, PlainEvent } from '../../../src/core/records.js';
import { Driven } from './drive.js';

const attempt_plan = { uuid: 'u3', parent: null, reason: '', codec: 'none', stream_version: 2 };
const offer: PlainEvent = {
  type: 'transfer.offer',
  from: 'hub',
  attempt: 1,
  uuid: 'u3',
  parent: null,
  stream_version: 2,
  from_zero: false,
};
const prepared = { type: 'prepare.done', keeps_checkpoint: false, resume_bytes: 0, reason: '' };

describe.each([true, false])('a transfer with ssh = %s', (ssh) => {
  test('says so in its offer', () => {
    const input = {
      id: 't1',
      image: 'debian',
      number: '3',
      replica: 'north',
      codec: null,
      ssh,
      failures_max: 3,
    };
    const transfer = new Driven('transfer', input).send(
      { type: 'slot.granted' },
      { type: 'plan.done', result: attempt_plan },
    );
    expect(transfer.message('transfer.offer').event).toMatchObject({ ssh });
  });

  test('is prepared and received so', () => {
    const reception = new Driven('reception', { id: 't1', image: 'debian', number: '3' });
    expect(reception.send({ ...offer, ssh }).effect('prepare')).toMatchObject({ ssh });
    reception.send(prepared, { type: 'transfer.start', from: 'hub', attempt: 1, codec: 'lz4' });
    expect(reception.effect('receive')).toMatchObject({ ssh });
  });

  test('is so after an attempt before was cleaned up', () => {
    const failed = { type: 'receive.failed', error: { code: 'BtrfsFailed', retryable: true } };
    const reception = new Driven('reception', { id: 't1', image: 'debian', number: '3' }).send(
      { ...offer, ssh: !ssh },
      prepared,
      { type: 'transfer.start', from: 'hub', attempt: 1, codec: 'lz4' },
      failed,
      { ...offer, attempt: 2, ssh },
      { type: 'cleanup.done' },
    );
    expect(reception.effect('prepare')).toMatchObject({ attempt: 2, ssh });
  });
});

test('an offer of a release without ssh goes straight', () => {
  const reception = new Driven('reception', { id: 't1', image: 'debian', number: '3' });
  expect(reception.send(offer).effect('prepare')).toMatchObject({ ssh: false });
});

const migrate = (kind: 'transfer' | 'reception', context: object): MachineSnapshot => {
  const migration = machines[kind].migrations[2];
  if (migration === undefined) throw new Error('no migration');
  return migration({ value: 'any', context });
};

describe('what version 2 wrote', () => {
  test('a transfer keeps all, and goes straight', () => {
    const { ssh: _, ...context } = new Driven('transfer', {
      id: 't1',
      image: 'debian',
      number: '3',
      replica: 'north',
      codec: null,
      failures_max: 3,
      ssh: true,
    }).context;
    expect(migrate('transfer', context)).toEqual({ value: 'any', context: { ...context, ssh: false } });
  });

  test.each([null, { attempt: 2, uuid: 'u3', parent: null, stream_version: 2, from_zero: false }])(
    'a reception keeps all, with the next offer %j',
    (next_offer) => {
      const { ssh: _, ...context } = new Driven('reception', { id: 't1', image: 'debian', number: '3' })
        .context;
      expect(migrate('reception', { ...context, next_offer })).toEqual({
        value: 'any',
        context: {
          ...context,
          ssh: false,
          next_offer: next_offer === null ? null : { ...next_offer, ssh: false },
        },
      });
    },
  );

  test('from version 1 on, nothing is missing that a new one has', () => {
    const { migrations } = machines.reception;
    const first = { value: 'idle', context: { id: 't1', image: 'debian', number: '3', next_offer: null } };
    const migrated = migrations[2]?.(migrations[1]?.(first) as MachineSnapshot);
    expect(migrated?.context).toMatchObject({ ssh: false, stream_version: 1 });
  });
});
