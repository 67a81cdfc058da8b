import { describe, expect, test } from 'vitest';
import { transferFrom3 } from '../../../src/actors/migrations.js';
import { machines } from '../../../src/actors/machines.js';
import { judgeVerb, verbsOf } from '../../../src/actors/verbs.js';
import type { ActorRecord, PlainEvent } from '../../../src/core/records.js';
import { verb_names } from '../../../src/core/verbs.js';
import { Driven, report } from './drive.js';
import { inputs } from './machine_events.js';

const plan = { uuid: 'u3', parent: null, reason: 'newest', codec: 'lz4', stream_version: 1 };
const granted = { type: 'slot.granted' };
const planned = { type: 'plan.done', result: plan };
const ready = { type: 'reception.ready', attempt: 1, resume_bytes: 0 };
const lost = { type: 'send.link_lost', error: report('LinkLost') };
const sent = { type: 'send.done', result: { stream_bytes: 10, hash: 'abc' } };
const outcome = { already_there: false, stream_bytes: 10, hash: 'abc' };
const failed = { type: 'send.failed', error: report('BtrfsFailed', false) };
const offered = [granted, planned];
const sending = [...offered, ready];

const ways: Record<string, PlainEvent[]> = {
  queued: [],
  planning: [granted],
  starting_over: [...sending, { type: 'send.mismatch', error: report('ResumeMismatch') }],
  offering: offered,
  sending,
  disconnected: [...sending, lost],
  confirming: [...sending, sent],
  resting: [granted, { type: 'plan.failed', error: report('BtrfsFailed') }],
  paused: [...sending, { type: 'pause' }],
  scheduled: [...sending, failed, { type: 'redrive', after_ms: 5_000 }],
  cancelling: [...offered, { type: 'cancel' }],
  completed: [...sending, { type: 'reception.completed', attempt: 1, outcome }],
  failed: [...sending, failed],
  cancelled: [{ type: 'cancel' }],
};
const inState = (state: string): Driven =>
  new Driven('transfer', inputs.transfer).send(...(ways[state] ?? []));
const recordOf = ({ step }: Driven): ActorRecord =>
  ({ status: 'running', parked_reason: '', ...step }) as unknown as ActorRecord;

/** Where pause, resume, retry-now, cancel and redrive lead; `=`: nothing to do; `!`: refused. */
const table: Record<string, readonly string[]> = {
  queued: ['paused', '=', '=', 'cancelled', '='],
  planning: ['paused', '=', '=', 'cancelled', '='],
  starting_over: ['paused', '=', '=', 'cancelling', '='],
  offering: ['paused', '=', '=', 'cancelling', '='],
  sending: ['paused', '=', '=', 'cancelling', '='],
  disconnected: ['paused', '=', 'sending', 'cancelling', '='],
  confirming: ['!', '=', '=', 'cancelling', '='],
  resting: ['paused', '=', 'queued', 'cancelled', '='],
  paused: ['=', 'queued', '!', 'cancelling', '!'],
  scheduled: ['paused', '=', 'queued', 'cancelling', '='],
  cancelling: ['!', '!', '!', '=', '!'],
  completed: ['!', '!', '!', '!', '!'],
  failed: ['!', '!', '!', 'cancelling', 'queued'],
  cancelled: ['!', '!', '!', '=', 'queued'],
};

describe('every verb in every state', () => {
  test('the table has all states', () => {
    expect(Object.keys(table).toSorted()).toEqual(Object.keys(machines.transfer.machine.states).toSorted());
  });

  test.each(Object.keys(table))('%s', (state) => {
    for (const [index, verb] of verb_names.entries()) {
      const transfer = inState(state);
      expect(transfer.state).toBe(state);
      const judgement = judgeVerb(recordOf(transfer), { type: verb });
      transfer.send({ type: verb });
      const { handled, ignored_reason } = transfer.step;
      const result = handled ? transfer.state : judgement.verdict === 'refused' ? '!' : '=';
      expect([verb, result]).toEqual([verb, table[state]?.[index]]);
      // What is foretold is what happens, with the same words.
      expect([verb, judgement.verdict === 'takes', judgement.reason]).toEqual([
        verb,
        handled,
        ignored_reason,
      ]);
      expect([verb, handled || (transfer.state === state && ignored_reason !== '')]).toEqual([verb, true]);
    }
  });

  test.each(Object.keys(table))('woken in %s it goes on, or stays where it ended', (state) => {
    const lasting = ['paused', 'cancelling', 'completed', 'failed', 'cancelled'];
    expect(inState(state).send({ type: 'woken' }).state).toBe(lasting.includes(state) ? state : 'queued');
  });
});

test('paused in mid-send, the slot is free, the sender stops, and the replica keeps what it has', () => {
  const transfer = inState('sending').send({ type: 'pause' });
  expect(transfer.intents.toSorted()).toEqual([
    'message transfer.hold',
    'stop send',
    'tell replica slot.release',
  ]);
  expect(transfer.step.settled).toBe(false);
  expect(transfer.send({ type: 'restarted', epoch: 2 }).state).toBe('paused');
  // It crossed with the pause.
  expect(transfer.send(ready).intents).toEqual(['message transfer.hold']);
  const completed = { type: 'reception.completed', attempt: 1, outcome };
  expect(inState('paused').send(completed).state).toBe('completed');
});

test('a redrive counts anew, and changes what it is told to', () => {
  const transfer = inState('failed').send({ type: 'redrive', from_start: true, codec: 'zlib', ssh: true });
  expect(transfer.context).toMatchObject({
    failures: 0,
    rests: 0,
    from_zero: true,
    codec: 'zlib',
    ssh: true,
  });
  transfer.send(granted, planned);
  expect(transfer.context).toMatchObject({ attempt: 2 });
  expect(transfer.message('transfer.offer').event).toMatchObject({ attempt: 2, from_zero: true });
  const from_start = judgeVerb(recordOf(inState('sending')), { type: 'redrive', from_start: true });
  expect(from_start).toMatchObject({ verdict: 'refused', hint: 'cancel it first: then it can be' });
});

test('one that is scheduled begins at its time, whatever happens before', () => {
  const transfer = inState('scheduled');
  expect(transfer.intents).toContain('timer 5000');
  expect(transfer.context).toMatchObject({ delay_ms: 5_000 });
  expect(inState('scheduled').timeOut().state).toBe('queued');
  expect(transfer.send({ type: 'restarted', epoch: 2 }).intents).toEqual([]);
});

test('nothing is retried at once where the replica is offline', () => {
  const transfer = inState('disconnected').send({ type: 'replica.offline', reason: 'cable' });
  expect(judgeVerb(recordOf(transfer), { type: 'retry-now' })).toMatchObject({
    verdict: 'refused',
    reason: 'the replica is offline',
  });
});

test('what was received of a snapshot that is there by another way is removed', () => {
  const resumed = inState('paused').send({ type: 'resume' }, granted, { type: 'plan.already_there' });
  expect(resumed.state).toBe('completed');
  expect(resumed.intents).toContain('message transfer.cancel');
  expect(inState('planning').send({ type: 'plan.already_there' }).intents).not.toContain(
    'message transfer.cancel',
  );
});

test('of a parked one, what wakes it is possible', () => {
  const parked = { ...recordOf(inState('sending')), status: 'parked' as const, parked_reason: 'it threw' };
  const allowed = verbsOf(parked).filter(({ is_allowed }) => is_allowed);
  expect(allowed.map(({ verb }) => verb)).toEqual(['retry-now', 'cancel', 'redrive', 'fork']);
  expect(verbsOf(parked)[0]?.reason).toBe('it is parked: it threw');
  const { when_parked } = machines.transfer;
  expect(when_parked({ id: 't1', labels: { replica: 'north', image: 'debian' } })).toMatchObject([
    { to: { kind: 'replica', id: 'north' }, event: { type: 'slot.release', transfer: 't1' } },
  ]);
  expect(when_parked({ id: 't1', labels: {} })).toEqual([]);
});

test('a transfer of version 3 goes on in version 4', () => {
  const { snapshot } = inState('failed').step;
  const {
    parent: _,
    stream_version: _v,
    forked_from: _f,
    delay_ms: _d,
    ...old
  } = snapshot.context as object & {
    parent: unknown;
    stream_version: unknown;
    forked_from: unknown;
    delay_ms: unknown;
  };
  expect(transferFrom3({ value: 'failed', context: old }).context).toEqual({
    ...old,
    ...(snapshot.context as object),
  });
});

test('every guard of every machine has words', () => {
  for (const { machine, guard_words } of Object.values(machines)) {
    expect(Object.keys(guard_words).toSorted()).toEqual(
      Object.keys(machine.implementations.guards).toSorted(),
    );
  }
});
