import { describe, expect, test } from 'vitest';
import type { PlainEvent } from '../../../src/core/records.js';
import { Driven, report } from './drive.js';

const input = {
  id: 't1',
  image: 'debian',
  number: '3',
  replica: 'north',
  codec: null,
  ssh: false,
  failures_max: 3,
  parent: 'auto',
  stream_version: null,
  forked_from: null,
};
const plan = {
  uuid: 'u3',
  parent: { number: '2', uuid: 'u2' },
  reason: 'newest',
  codec: 'lz4',
  stream_version: 1,
};
const outcome = { already_there: false, stream_bytes: 10, hash: 'abc' };
const granted = { type: 'slot.granted' };
const planned = { type: 'plan.done', result: plan };
const ready = (attempt = 1, resume_bytes = 0): PlainEvent => ({
  type: 'reception.ready',
  attempt,
  resume_bytes,
});
const link_lost = { type: 'send.link_lost', error: report('LinkLost') };
const online = { type: 'replica.online' };
const mismatch = { type: 'send.mismatch', error: report('ResumeMismatch') };
const sent = { type: 'send.done', result: { stream_bytes: 10, hash: 'abc' } };
const completed = { type: 'reception.completed', attempt: 1, outcome };
const offline = { type: 'replica.offline', reason: 'cable' };
const restarted = { type: 'restarted', epoch: 2 };

/** What brings a new transfer into each state. */
const ways: Record<string, PlainEvent[]> = {
  queued: [],
  planning: [granted],
  offering: [granted, planned],
  sending: [granted, planned, ready()],
  disconnected: [granted, planned, ready(), link_lost],
  starting_over: [granted, planned, ready(), mismatch],
  confirming: [granted, planned, ready(), sent],
  resting: [granted, { type: 'plan.failed', error: report('BtrfsFailed') }],
  cancelling: [granted, planned, { type: 'cancel' }],
  completed: [granted, planned, ready(), sent, completed],
  failed: [granted, { type: 'plan.failed', error: report('SnapshotNotFound') }],
  cancelled: [{ type: 'cancel' }],
};
const inState = (state: string): Driven => new Driven('transfer', input).send(...(ways[state] ?? []));

describe('transfer', () => {
  test('the way of one that succeeds', () => {
    const transfer = new Driven('transfer', input);
    const steps: [PlainEvent, string, string[]][] = [
      [granted, 'planning', ['effect plan']],
      [planned, 'offering', ['timer 120000', 'stop plan', 'message transfer.offer']],
      [ready(), 'sending', ['cancel timer', 'effect send', 'message transfer.start']],
      [sent, 'confirming', ['timer 1800000', 'stop send']],
      [completed, 'completed', ['cancel timer', 'tell replica slot.release']],
    ];
    expect(transfer.state).toBe('queued');
    expect(transfer.intents).toEqual(['tell replica slot.request']);
    for (const [event, state, intents] of steps) {
      transfer.send(event);
      expect([event.type, transfer.state]).toEqual([event.type, state]);
      expect([event.type, transfer.intents.toSorted()]).toEqual([event.type, intents.toSorted()]);
    }
    expect(transfer.context).toMatchObject({ attempt: 1, failures: 0, last_error: null, outcome });
    expect(transfer.step.settled).toBe(true);
  });

  test('offer, start and send carry what the other side needs', () => {
    const transfer = inState('offering');
    expect(transfer.message('transfer.offer')).toEqual({
      peer: 'north',
      to: { kind: 'reception', id: 't1' },
      create: { id: 't1', image: 'debian', number: '3' },
      event: {
        type: 'transfer.offer',
        attempt: 1,
        uuid: 'u3',
        parent: plan.parent,
        stream_version: 1,
        from_zero: false,
        ssh: false,
      },
    });
    transfer.send(ready());
    expect(transfer.message('transfer.start').event).toEqual({
      type: 'transfer.start',
      attempt: 1,
      codec: 'lz4',
    });
    expect(transfer.effect('send')).toEqual({
      transfer: 't1',
      attempt: 1,
      replica: 'north',
      image: 'debian',
      number: '3',
      plan,
    });
  });

  test.each([
    ['planning', 'plan.failed'],
    ['offering', 'reception.refused'],
    ['offering', 'reception.failed'],
    ['sending', 'send.failed'],
    ['sending', 'reception.failed'],
    ['confirming', 'reception.failed'],
  ])('in %s, %s leads to resting or failed', (state, type) => {
    const failure = (error: unknown): PlainEvent => ({ type, attempt: 1, error });
    const retried = inState(state).send(failure(report('BtrfsFailed')));
    expect(retried.state).toBe('resting');
    expect(retried.intents).toContain('tell replica slot.rest');
    expect(retried.context).toMatchObject({ failures: 1, last_error: { code: 'BtrfsFailed' } });
    expect(retried.timeOut().state).toBe('queued');

    const given_up = inState(state).send(failure(report('BtrfsFailed', false)));
    expect(given_up.state).toBe('failed');
    expect(given_up.intents).toContain('tell replica slot.release');
    expect(given_up.context).toMatchObject({ failures: 1, last_error: { retryable: false } });
  });

  test.each([
    ['offering', 'reception.ready'],
    ['offering', 'reception.refused'],
    ['offering', 'reception.failed'],
    ['sending', 'reception.failed'],
    ['confirming', 'reception.failed'],
  ])('in %s, %s of another attempt is not heard', (state, type) => {
    for (const attempt of [0, 2]) {
      const transfer = inState(state).send({ type, attempt, error: report('NoSpace') });
      expect(transfer.state).toBe(state);
      expect(transfer.step.handled).toBe(false);
      expect(transfer.intents).toEqual([]);
    }
  });

  test('fails after failures_max failures in a row', () => {
    const transfer = new Driven('transfer', input);
    const states: string[] = [];
    for (let failures = 0; failures < 3; failures += 1) {
      transfer.send(granted, { type: 'plan.failed', error: report('BtrfsFailed') });
      states.push(transfer.state);
      if (transfer.state === 'resting') transfer.timeOut();
    }
    expect(states).toEqual(['resting', 'resting', 'failed']);
  });

  test.each(['LinkLost', 'Interrupted', 'ReplicaOffline', 'NoSpace'] as const)(
    'lives through any number of %s',
    (code) => {
      const transfer = new Driven('transfer', { ...input, failures_max: 1 });
      for (let times = 0; times < 10; times += 1) {
        transfer.send(granted, planned, ready(times + 1), { type: 'send.failed', error: report(code) });
        expect(transfer.state).toBe('resting');
        transfer.timeOut();
      }
      expect(transfer.context).toMatchObject({ attempt: 10, failures: 0, rests: 10 });
    },
  );

  test.each(['offering', 'confirming'])(
    'a replica that stays silent in %s counts as a failure, not for ever',
    (state) => {
      const transfer = inState(state).timeOut();
      expect(transfer.state).toBe('resting');
      expect(transfer.context).toMatchObject({ failures: 1, last_error: { code: 'TimedOut' } });
      const last = new Driven('transfer', { ...input, failures_max: 1 })
        .send(...(ways[state] ?? []))
        .timeOut();
      expect(last.state).toBe('failed');
    },
  );

  test('a link that is lost while it sends leads to disconnected, and the same attempt goes on', () => {
    const transfer = inState('disconnected');
    expect(transfer.state).toBe('disconnected');
    expect(transfer.intents).toContain('stop send');
    expect(transfer.context).toMatchObject({ link_losses: 1, last_error: { code: 'LinkLost' } });
    // The control link is up: the replica dials again by itself.
    transfer.timeOut();
    expect(transfer.state).toBe('sending');
    expect(transfer.effect('send')).toMatchObject({ transfer: 't1', attempt: 1, plan });
    expect(transfer.intents).not.toContain('message transfer.start');
    expect(transfer.context).toMatchObject({ attempt: 1, failures: 0 });
  });

  test('a replica that lost the end of the stream gets it again', () => {
    const waiting = { type: 'reception.waiting', attempt: 1 };
    const transfer = inState('confirming').send(waiting);
    expect(transfer.state).toBe('sending');
    expect(transfer.effect('send')).toMatchObject({ attempt: 1 });
    expect(inState('confirming').send({ ...waiting, attempt: 2 }).step.handled).toBe(false);
    expect(inState('sending').send(waiting).step.handled).toBe(false);
  });

  test('while the replica is offline it stays disconnected', () => {
    const transfer = inState('sending').send(offline);
    expect(transfer.state).toBe('sending');
    transfer.send(link_lost);
    const timer = transfer.step.intents.find((intent) => intent.type === 'set_timer');
    if (timer?.type !== 'set_timer') throw new Error('no timer');
    expect(transfer.send(timer.event).state).toBe('disconnected');
    expect(transfer.send(offline).state).toBe('disconnected');
    expect(transfer.send(online).state).toBe('sending');
  });

  test('a restart while it sends leads to disconnected too', () => {
    const transfer = inState('sending').send(restarted);
    expect(transfer.state).toBe('disconnected');
    expect(transfer.context).toMatchObject({ online: false, last_error: { code: 'Interrupted' } });
    expect(transfer.send(restarted).state).toBe('disconnected');
    expect(transfer.send(online).state).toBe('sending');
  });

  test.each(['send.mismatch', 'send.failed', 'reception.failed'])(
    'what does not fit (%s) starts over, by a state of its own',
    (type) => {
      const error = report('ResumeMismatch');
      const transfer = inState('sending').send({ type, attempt: 1, error });
      expect(transfer.state).toBe('starting_over');
      expect(transfer.intents).toContain('effect plan');
      expect(transfer.context).toMatchObject({ attempt: 2, failures: 1, last_error: error });
      expect(transfer.send(planned).message('transfer.offer').event).toMatchObject({
        attempt: 2,
        from_zero: true,
      });
      expect(transfer.send(ready(2)).context).toMatchObject({ from_zero: false });
      const last = new Driven('transfer', { ...input, failures_max: 1 });
      expect(last.send(...(ways['sending'] ?? []), { type, attempt: 1, error }).state).toBe('failed');
    },
  );

  test('progress between failures is told from none', () => {
    const failed = { type: 'send.failed', error: report('BtrfsFailed') };
    const transfer = inState('sending').send(failed).timeOut().send(granted, planned, ready(2));
    expect(transfer.context).toMatchObject({ failures: 1, rests: 1, resumed_bytes: 0 });
    transfer.send(failed).timeOut().send(granted, planned, ready(3, 1_000));
    expect(transfer.context).toMatchObject({ failures: 0, rests: 0, resumed_bytes: 1_000 });
    transfer.send(failed).timeOut().send(granted, planned, ready(4, 1_000));
    expect(transfer.context).toMatchObject({ failures: 1, rests: 1 });
    transfer.send({ type: 'send.begun', offset_bytes: 2_000, is_live: true });
    expect(transfer.context).toMatchObject({ failures: 0, resumed_bytes: 2_000 });
  });

  test('one that fails has the replica keep what it received', () => {
    const transfer = inState('sending').send({ type: 'send.failed', error: report('SnapshotNotFound') });
    expect(transfer.state).toBe('failed');
    expect(transfer.message('transfer.hold').event).toEqual({ type: 'transfer.hold', attempt: 1 });
    expect(inState('failed').intents).not.toContain('message transfer.hold');
  });

  test.each(['planning', 'offering'])('in %s, a lost link or a restart leads back to the queue', (state) => {
    for (const event of [offline, restarted]) {
      const transfer = inState(state).send(event);
      expect(transfer.state).toBe('queued');
      expect(transfer.intents).toContain('tell replica slot.request');
      expect(transfer.context).toMatchObject({ failures: 0, last_error: { code: 'Interrupted' } });
    }
  });

  test.each(['queued', 'confirming', 'resting', 'cancelling', 'completed', 'failed', 'cancelled'])(
    'a restart changes nothing in %s',
    (state) => {
      const transfer = inState(state).send(restarted);
      expect(transfer.state).toBe(state);
      expect(transfer.intents).toEqual([]);
    },
  );

  test('a cancel before the first offer ends it; after one, the replica cleans up first', () => {
    expect(inState('queued').send({ type: 'cancel' }).state).toBe('cancelled');
    expect(inState('planning').send({ type: 'cancel' }).state).toBe('cancelled');
    for (const state of ['offering', 'sending', 'disconnected', 'starting_over', 'confirming']) {
      const transfer = inState(state).send({ type: 'cancel' });
      expect(transfer.state).toBe('cancelling');
      expect(transfer.intents).toContain('message transfer.cancel');
      expect(transfer.intents).toContain('tell replica slot.release');
      expect(transfer.send({ type: 'cancel' }).intents).toEqual([]);
      expect(transfer.send({ type: 'reception.cancelled' }).state).toBe('cancelled');
    }
    const queued_again = inState('offering').send(offline, { type: 'cancel' });
    expect(queued_again.state).toBe('cancelling');
  });

  test('a snapshot that stands is completed whatever was wanted last', () => {
    for (const state of [
      'queued',
      'planning',
      'offering',
      'sending',
      'disconnected',
      'starting_over',
      'confirming',
      'resting',
      'cancelling',
      'failed',
    ]) {
      const transfer = inState(state).send({ ...completed, attempt: 0 });
      expect([state, transfer.state]).toEqual([state, 'completed']);
      expect([state, transfer.context['outcome']]).toEqual([state, outcome]);
    }
    for (const state of ['completed', 'cancelled']) {
      expect([state, inState(state).send(completed).step.handled]).toEqual([state, false]);
    }
  });

  test('a snapshot that the plan finds on the replica is not sent', () => {
    const transfer = inState('planning').send({ type: 'plan.already_there', number: '3' });
    expect(transfer.state).toBe('completed');
    expect(transfer.context['outcome']).toEqual({ already_there: true, stream_bytes: 0, hash: '' });
  });
});
