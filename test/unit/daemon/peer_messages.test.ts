import { describe, expect, test } from 'vitest';
import { machines } from '../../../src/actors/machines.js';
import type { IncomingMessage } from '../../../src/core/link.js';
import { masterMessageCheck, replicaMessageCheck } from '../../../src/daemon/peer_messages.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';

const uuid = '01234567-89ab-4cde-8f01-23456789abcd';

function message(
  to: IncomingMessage['to'],
  event: IncomingMessage['event'],
  create: unknown = null,
): IncomingMessage {
  return { id: 1, floor: 1, peer: 'x', to, create, event };
}

/** A master's storage that knows the transfer `1-abcd` to `r1`. */
function masterStorage(): Storage {
  const storage = Storage.open(':memory:');
  const clock = { now: () => 0, after: () => () => {} };
  const runtime = new Runtime({ storage, machines, clock, handlers: {}, onFatal: () => {} });
  runtime.start();
  const input = {
    id: '1-abcd',
    image: 'vm',
    number: '1',
    replica: 'r1',
    codec: null,
    ssh: false,
    failures_max: 3,
  };
  runtime.create({ kind: 'transfer', id: '1-abcd' }, input, { kind: 'daemon', what: 'test' });
  return storage;
}

describe('what a replica may tell its master', () => {
  const check = masterMessageCheck(masterStorage());
  const ready = { type: 'reception.ready', attempt: 1, resume_bytes: 0 };
  const transfer = { kind: 'transfer', id: '1-abcd' } as const;

  test('speaks of a transfer to itself', () => {
    expect(() => check('r1', message(transfer, ready))).not.toThrow();
    const waiting = { type: 'reception.waiting', attempt: 1 };
    expect(() => check('r1', message(transfer, waiting))).not.toThrow();
  });

  test('not of a transfer to another replica', () => {
    expect(() => check('r2', message(transfer, ready))).toThrow(
      expect.objectContaining({ code: 'NotPermitted' }) as Error,
    );
  });

  test.each(['image', 'replica', 'reception'] as const)('not to an actor of the kind %s', (kind) => {
    expect(() => check('r1', message({ kind, id: 'vm' }, ready))).toThrow(
      expect.objectContaining({ code: 'NotPermitted' }) as Error,
    );
  });

  test.each([
    { type: 'cancel' },
    { type: 'slot.granted' },
    { type: 'plan.done', result: {} },
    { type: 'reception.ready', attempt: 0, resume_bytes: 0 },
    { type: 'reception.ready', attempt: 1 },
    { type: 'reception.ready', attempt: 1, resume_bytes: -1 },
    { type: 'reception.ready', attempt: 1, resume_bytes: 0, extra: true },
    { type: 'send.begun', offset_bytes: 0 },
    { type: 'reception.failed', attempt: 1, error: { code: 'Nonsense' } },
    {
      type: 'reception.completed',
      attempt: 1,
      outcome: { already_there: false, stream_bytes: -1, hash: '' },
    },
  ])('not the event %j', (event) => {
    expect(() => check('r1', message(transfer, event))).toThrow(
      expect.objectContaining({ code: 'InvalidMessage' }) as Error,
    );
  });

  test('it makes no actor', () => {
    expect(() => check('r1', message(transfer, ready, { id: 'x' }))).toThrow(
      expect.objectContaining({ code: 'InvalidMessage' }) as Error,
    );
  });
});

describe('what a master may tell its replica', () => {
  const check = replicaMessageCheck();
  const reception = { kind: 'reception', id: '1-abcd' } as const;
  const stream = { parent: null, stream_version: 2, from_zero: false };
  const offer = { type: 'transfer.offer', attempt: 1, uuid, ...stream };
  const input = { id: '1-abcd', image: 'vm', number: '1' };

  test('offers, starts and cancels', () => {
    expect(() => check('master', message(reception, offer, input))).not.toThrow();
    expect(() => check('master', message(reception, { ...offer, ssh: true }, input))).not.toThrow();
    const start = { type: 'transfer.start', attempt: 1, codec: 'lz4' };
    expect(() => check('master', message(reception, start))).not.toThrow();
    expect(() => check('master', message(reception, { type: 'transfer.cancel' }, input))).not.toThrow();
    const hold = { type: 'transfer.hold', attempt: 1 };
    expect(() => check('master', message(reception, hold, input))).not.toThrow();
    for (const wrong of [
      { ...offer, stream_version: 3 },
      { ...offer, from_zero: 'yes' },
      { ...offer, ssh: 'yes' },
    ]) {
      expect(() => check('master', message(reception, wrong, input))).toThrow(
        expect.objectContaining({ code: 'InvalidMessage' }) as Error,
      );
    }
  });

  test.each([
    ['an image outside of the mount point', { ...input, image: '../etc' }],
    ['a hidden image', { ...input, image: '.ssh' }],
    ['a number with a slash', { ...input, number: '1/../../x' }],
    ['an id that is a path', { ...input, id: '../x' }],
  ])('not %s', (_, bad) => {
    expect(() => check('master', message(reception, offer, bad))).toThrow(
      expect.objectContaining({ code: 'InvalidMessage' }) as Error,
    );
  });

  test.each(['transfer', 'image', 'replica'] as const)('not to an actor of the kind %s', (kind) => {
    expect(() => check('master', message({ kind, id: '1-abcd' }, offer))).toThrow(
      expect.objectContaining({ code: 'NotPermitted' }) as Error,
    );
  });

  test('not to a reception whose id is a path, as its hidden name is made of it', () => {
    expect(() => check('master', message({ kind: 'reception', id: '../../x' }, offer, input))).toThrow(
      expect.objectContaining({ code: 'InvalidMessage' }) as Error,
    );
  });

  test.each([
    { type: 'receive.done', result: { stream_bytes: 1, hash: '' } },
    { ...offer, uuid: 'not a uuid' },
    { ...offer, parent: { number: '../1', uuid } },
    { type: 'transfer.start', attempt: 1, codec: 'rot13' },
  ])('not the event %j', (event) => {
    expect(() => check('master', message(reception, event))).toThrow(
      expect.objectContaining({ code: 'InvalidMessage' }) as Error,
    );
  });
});
