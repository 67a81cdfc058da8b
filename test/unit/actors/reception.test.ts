import { describe, expect, test } from 'vitest';
import type { PlainEvent } from '../../../src/core/records.js';
import { Driven, report } from './drive.js';

const input = { id: 't1', image: 'debian', number: '3' };
const offer = (attempt = 1): PlainEvent => ({
  type: 'transfer.offer',
  from: 'hub',
  attempt,
  uuid: 'u3',
  parent: { number: '2', uuid: 'u2' },
  stream_version: 1,
  from_zero: false,
});
const prepared = { type: 'prepare.done', keeps_checkpoint: true, resume_bytes: 0, reason: '' };
const checkpoint = { offset_bytes: 2_000, name: '.icbdrep-part-t1.4.0.0' };
const checkpointed = { type: 'receive.checkpoint', checkpoint };
const link_lost = { type: 'receive.link_lost', error: report('LinkLost') };
const hold = { type: 'transfer.hold', from: 'hub', attempt: 1 };
const link_up = { type: 'link.up' };
const link_down = { type: 'link.down' };
const start = (attempt = 1): PlainEvent => ({ type: 'transfer.start', from: 'hub', attempt, codec: 'lz4' });
const hidden_name = '.icbdrep-part-t1.4.0.1';
const received = { type: 'receive.done', result: { stream_bytes: 10, hash: 'abc', hidden_name } };
const cancel = { type: 'transfer.cancel', from: 'hub' };
const restarted = { type: 'restarted', epoch: 2 };
const receive_failed = { type: 'receive.failed', error: report('LinkLost') };
const cleanup_failed = { type: 'cleanup.failed', error: report('BtrfsFailed') };

const ways: Record<string, PlainEvent[]> = {
  idle: [],
  preparing: [offer()],
  ready: [offer(), prepared],
  receiving: [offer(), prepared, start()],
  disconnected: [offer(), prepared, start(), link_lost],
  held: [offer(), prepared, start(), hold, { type: 'cleanup.done' }],
  publishing: [offer(), prepared, start(), received],
  cleaning: [offer(), prepared, start(), receive_failed],
  unclean: [offer(), prepared, start(), receive_failed, cleanup_failed],
  completed: [offer(), prepared, start(), received, { type: 'publish.done' }],
  failed: [offer(), prepared, start(), receive_failed, { type: 'cleanup.done' }],
  refused: [offer(), { type: 'prepare.failed', error: report('SnapshotConflict') }],
  cancelled: [offer(), cancel, { type: 'cleanup.done' }],
};
const inState = (state: string): Driven => new Driven('reception', input).send(...(ways[state] ?? []));

describe('reception', () => {
  test('the way of one that succeeds', () => {
    const reception = new Driven('reception', input);
    const steps: [PlainEvent, string, string[]][] = [
      [offer(), 'preparing', ['effect prepare']],
      [prepared, 'ready', ['stop prepare', 'message reception.ready', 'timer 600000']],
      [start(), 'receiving', ['cancel timer', 'effect receive']],
      [received, 'publishing', ['stop receive', 'effect publish']],
      [{ type: 'publish.done' }, 'completed', ['message reception.completed', 'tell image image.rescan']],
    ];
    expect(reception.state).toBe('idle');
    for (const [event, state, intents] of steps) {
      reception.send(event);
      expect([event.type, reception.state]).toEqual([event.type, state]);
      expect([event.type, reception.intents.toSorted()]).toEqual([event.type, intents.toSorted()]);
    }
    expect(reception.message('reception.completed')).toMatchObject({
      peer: 'hub',
      to: { kind: 'transfer', id: 't1' },
      event: { attempt: 1, outcome: { already_there: false, stream_bytes: 10, hash: 'abc' } },
    });
    expect(reception.step.settled).toBe(true);
  });

  test('every way into an end says so to the master, with the reason', () => {
    expect(inState('refused').message('reception.refused').event).toMatchObject({
      attempt: 1,
      error: { code: 'SnapshotConflict' },
    });
    expect(inState('failed').message('reception.failed').event).toMatchObject({
      attempt: 1,
      error: { code: 'LinkLost' },
    });
    expect(inState('cancelled').intents).toContain('message reception.cancelled');
    const there = inState('preparing').send({ type: 'prepare.already_there' });
    expect(there.state).toBe('completed');
    expect(there.context).toMatchObject({ checkpoint: null });
    expect(there.message('reception.completed').event).toMatchObject({ outcome: { already_there: true } });
    const late = inState('ready').timeOut();
    expect(late.state).toBe('failed');
    expect(late.message('reception.failed').event).toMatchObject({ error: { code: 'TimedOut' } });
  });

  test('a failure to publish is cleaned up and said', () => {
    const reception = inState('publishing').send({ type: 'publish.failed', error: report('NoSpace') });
    expect(reception.state).toBe('cleaning');
    expect(reception.send({ type: 'cleanup.done' }).message('reception.failed').event).toMatchObject({
      error: { code: 'NoSpace' },
    });
  });

  test('what cannot be removed is tried again, and the first reason is kept', () => {
    const reception = inState('unclean');
    expect(reception.context).toMatchObject({ error: { code: 'LinkLost' } });
    expect(reception.timeOut().state).toBe('cleaning');
    expect(reception.send({ type: 'cleanup.done' }).state).toBe('failed');
  });

  test('a start of another attempt is not heard', () => {
    for (const attempt of [0, 2]) {
      expect(inState('ready').send(start(attempt)).step.handled).toBe(false);
    }
  });

  test('an offer that is not newer is not heard in any state', () => {
    for (const state of Object.keys(ways)) {
      if (state === 'idle') continue;
      const reception = inState(state).send(offer(1));
      expect(reception.state).toBe(state);
      expect([state, reception.step.handled]).toEqual([state, false]);
    }
  });

  test.each([
    'preparing',
    'ready',
    'receiving',
    'disconnected',
    'held',
    'completed',
    'failed',
    'refused',
    'cancelled',
  ])('a newer offer in %s begins anew', (state) => {
    const reception = inState(state).send(offer(2));
    expect(reception.state).toBe('preparing');
    expect(reception.effect('prepare')).toMatchObject({ attempt: 2, transfer: 't1', uuid: 'u3' });
    expect(reception.context).toMatchObject({ attempt: 2, error: null, cancel_asked: false });
  });

  test('while something is left that cannot be removed, the master hears why, and each offer is refused', () => {
    const reception = inState('unclean');
    expect(reception.message('reception.failed').event).toMatchObject({
      attempt: 1,
      error: { code: 'LinkLost' },
    });
    reception.send(offer(2));
    expect(reception.state).toBe('unclean');
    expect(reception.message('reception.refused').event).toMatchObject({
      attempt: 2,
      error: { code: 'LinkLost' },
    });
    // It is told once, however often removing fails.
    reception.send({ type: 'xstate.after.cleanup_retry.reception.unclean' }, cleanup_failed);
    expect(reception.intents).not.toContain('message reception.failed');
  });

  test('a newer offer in cleaning waits until all is clean', () => {
    const reception = inState('cleaning').send(offer(2));
    expect(reception.state).toBe('cleaning');
    reception.send({ type: 'cleanup.done' });
    expect(reception.state).toBe('preparing');
    expect(reception.context).toMatchObject({ attempt: 2, next_offer: null, error: null });
  });

  test('a newer offer gets the copy that is being published', () => {
    const reception = inState('publishing').send(offer(2));
    expect(reception.state).toBe('publishing');
    expect(reception.send({ type: 'publish.done' }).message('reception.completed').event).toMatchObject({
      attempt: 2,
    });
  });

  test('what is published after a restart is what arrived, though a newer attempt was offered', () => {
    const reception = inState('publishing').send(offer(2), restarted);
    expect(reception.effect('publish')).toMatchObject({ transfer: 't1', hidden_name });
  });

  test.each([
    'idle',
    'preparing',
    'ready',
    'receiving',
    'disconnected',
    'cleaning',
    'held',
    'failed',
    'refused',
  ])('a cancel in %s cleans up, and then says so', (state) => {
    const reception = inState(state).send(cancel);
    expect(reception.state).toBe('cleaning');
    reception.send({ type: 'cleanup.done' });
    expect(reception.state).toBe('cancelled');
    expect(reception.message('reception.cancelled').peer).toBe('hub');
  });

  test('a cancel while it publishes comes too late, unless publishing fails', () => {
    const completed = inState('publishing').send(cancel, { type: 'publish.done' });
    expect(completed.state).toBe('completed');
    const failure = { type: 'publish.failed', error: report('NoSpace') };
    const cancelled = inState('publishing').send(cancel, failure, { type: 'cleanup.done' });
    expect(cancelled.state).toBe('cancelled');
    expect(cancelled.intents).toContain('message reception.cancelled');
  });

  test('a cancel of what has ended is answered again', () => {
    expect(inState('completed').send(cancel).intents).toContain('message reception.completed');
    expect(inState('cancelled').send(cancel).intents).toContain('message reception.cancelled');
    expect(inState('unclean').send(cancel).context).toMatchObject({ cancel_asked: true });
  });

  test.each([
    ['preparing', 'preparing', 'effect prepare'],
    ['publishing', 'publishing', 'effect publish'],
    ['cleaning', 'cleaning', 'effect cleanup'],
  ])('a restart in %s leads to %s', (state, after, intent) => {
    const reception = inState(state).send(restarted);
    expect(reception.state).toBe(after);
    expect(reception.intents).toContain(intent);
  });

  test.each([
    'idle',
    'ready',
    'disconnected',
    'unclean',
    'held',
    'completed',
    'failed',
    'refused',
    'cancelled',
  ])('a restart changes nothing in %s', (state) => {
    const reception = inState(state).send(restarted);
    expect(reception.state).toBe(state);
    expect(reception.intents).toEqual([]);
  });

  test('a restart while it receives leads to disconnected, and the link back to receiving', () => {
    const reception = inState('receiving').send(checkpointed, restarted);
    expect(reception.state).toBe('disconnected');
    expect(reception.context).toMatchObject({ linked: false, checkpoint, error: { code: 'Interrupted' } });
    expect(reception.message('reception.waiting').event).toMatchObject({ attempt: 1 });
    // Its timer finds no link.
    const timer = reception.step.intents.find((intent) => intent.type === 'set_timer');
    if (timer?.type !== 'set_timer') throw new Error('no timer');
    expect(reception.send(timer.event).state).toBe('disconnected');
    expect(reception.send(link_up).state).toBe('receiving');
    expect(reception.effect('receive')).toMatchObject({ attempt: 1, checkpoint, codec: 'lz4' });
  });

  test('while the control link is up, a lost data link is dialled again, each time later', () => {
    const reception = inState('receiving');
    const waits: number[] = [];
    for (let times = 0; times < 10; times += 1) {
      reception.send(link_lost);
      const timer = reception.step.intents.find((intent) => intent.type === 'set_timer');
      if (timer?.type === 'set_timer') waits.push(timer.delay_ms);
      expect(reception.send(timer?.type === 'set_timer' ? timer.event : link_up).state).toBe('receiving');
    }
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(waits.at(-1)).toBeGreaterThan(20_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(reception.send(checkpointed).context).toMatchObject({ losses: 0 });
  });

  test('the link comes and goes while it receives', () => {
    const reception = inState('receiving').send(link_down);
    expect(reception.state).toBe('receiving');
    expect(reception.send(link_lost).context).toMatchObject({ linked: false });
    expect(reception.send(link_down).state).toBe('disconnected');
  });

  test('what was received is kept after a failure, and offered for the next attempt', () => {
    const reception = inState('receiving').send(checkpointed, receive_failed);
    expect(reception.effect('cleanup')).toMatchObject({ keep: checkpoint.name });
    reception.send({ type: 'cleanup.done' }, offer(2));
    expect(reception.effect('prepare')).toMatchObject({ attempt: 2, checkpoint, from_zero: false });
    reception.send({ type: 'prepare.done', keeps_checkpoint: true, resume_bytes: 2_000, reason: '' });
    expect(reception.message('reception.ready').event).toMatchObject({ attempt: 2, resume_bytes: 2_000 });
    expect(reception.send(start(2)).effect('receive')).toMatchObject({ checkpoint });
  });

  test.each(['HashMismatch', 'ResumeMismatch', 'StreamRefused'] as const)(
    'after %s nothing of it is trusted',
    (code) => {
      const reception = inState('receiving').send(checkpointed);
      reception.send({ type: 'receive.failed', error: report(code) });
      expect(reception.effect('cleanup')).toMatchObject({ keep: null });
      expect(reception.context).toMatchObject({ checkpoint: null });
    },
  );

  test('a checkpoint that is not of use any more is forgotten, with the reason', () => {
    const reason = 'another parent';
    const prepared_anew = { type: 'prepare.done', keeps_checkpoint: false, resume_bytes: 0, reason };
    const reception = inState('receiving').send(checkpointed, receive_failed, { type: 'cleanup.done' });
    reception.send(offer(2), prepared_anew);
    expect(reception.context).toMatchObject({ checkpoint: null, start_reason: reason });
    expect(reception.message('reception.ready').event).toMatchObject({ resume_bytes: 0 });
    const lost = inState('receiving').send(checkpointed, { type: 'receive.checkpoint_lost', reason });
    expect(lost.context).toMatchObject({ checkpoint: null, start_reason: reason });
  });

  test('a failed transfer holds what was received, until it is cancelled', () => {
    const reception = inState('receiving').send(checkpointed, hold);
    expect(reception.effect('cleanup')).toMatchObject({ keep: checkpoint.name });
    expect(reception.send({ type: 'cleanup.done' }).state).toBe('held');
    expect(reception.step.settled).toBe(true);
    reception.send(cancel);
    expect(reception.effect('cleanup')).toMatchObject({ keep: null });
    for (const state of ['publishing', 'completed', 'refused', 'cancelled', 'held']) {
      expect([state, inState(state).send(hold).state]).toEqual([state, state]);
    }
    expect(inState('failed').send(hold).state).toBe('held');
  });

  test('a hold of a later attempt, which was never offered, is one; that of an earlier attempt is not', () => {
    expect(inState('ready').send({ ...hold, attempt: 2 }).state).toBe('cleaning');
    expect(inState('disconnected').send({ ...hold, attempt: 2 }).state).toBe('cleaning');
    expect(inState('ready').send({ ...hold, attempt: 0 }).step.handled).toBe(false);
    const waiting = inState('receiving').send(receive_failed, offer(2));
    expect(waiting.send({ ...hold, attempt: 2 }, { type: 'cleanup.done' }).state).toBe('held');
    const overtaken = inState('receiving').send(receive_failed, offer(2));
    expect(overtaken.send(hold, { type: 'cleanup.done' }).state).toBe('preparing');
  });

  test.each([
    ['idle', 'idle', []],
    ['preparing', 'preparing', ['effect prepare', 'stop prepare']],
    ['ready', 'preparing', ['cancel timer', 'effect prepare']],
    ['receiving', 'disconnected', ['message reception.waiting', 'stop receive', 'timer 375']],
    ['publishing', 'publishing', ['effect publish']],
    ['cleaning', 'cleaning', ['effect cleanup', 'stop cleanup']],
    ['unclean', 'cleaning', ['cancel timer', 'effect cleanup']],
    ['completed', 'completed', []],
    ['held', 'held', []],
  ])('woken in %s it does its work again, in %s', (state, next, intents) => {
    const reception = inState(state).send({ type: 'woken' });
    expect(reception.state).toBe(next);
    const asked = reception.intents.map((intent) => intent.replace(/^timer .*/, 'timer 375'));
    expect(asked.toSorted()).toEqual(intents);
  });

  test('a cancel while it cleans up removes what was to be kept', () => {
    const reception = inState('receiving').send(checkpointed, receive_failed, cancel);
    expect(reception.state).toBe('cleaning');
    expect(reception.intents).toContain('stop cleanup');
    expect(reception.effect('cleanup')).toMatchObject({ keep: null });
  });
});
