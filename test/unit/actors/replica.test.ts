import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ReplicaContext, type SlotEntry, grantable, isConnected } from '../../../src/actors/replica.js';
import type { PlainEvent } from '../../../src/core/records.js';
import { Driven } from './drive.js';
import { anyEvent } from './machine_events.js';

const input = { node_id: 1, name: 'north', slots_max: 2 };
const up = (session = 's1'): PlainEvent => ({ type: 'link.up', session, address: 'a', capabilities: null });
const down = (session = 's1'): PlainEvent => ({ type: 'link.down', session, reason: 'cable' });
const answered = (session = 's1'): PlainEvent => ({ type: 'keepalive.answered', session, round_trip_ms: 3 });
const missed = (session = 's1'): PlainEvent => ({
  type: 'keepalive.missed',
  session,
  tries: 1,
  reason: 'no answer to a keep-alive over 10 s',
});
const request = (transfer: string, image = transfer): PlainEvent => ({
  type: 'slot.request',
  transfer,
  image,
});
const queueOf = (replica: Driven): string[] =>
  (replica.context as unknown as ReplicaContext).queue.map(({ transfer, state }) => `${transfer} ${state}`);

/** Whom the last step told what. */
const told = (replica: Driven): string[] =>
  replica.step.intents.flatMap((intent) =>
    intent.type === 'tell' ? [`${intent.tell.to.id} ${intent.tell.event.type}`] : [],
  );

/** A transfer is of one image for ever. */
const ofImage = (event: PlainEvent): PlainEvent => ({
  ...event,
  image: ['t1', 't2', 't3'].includes(String(event['transfer'])) ? 'debian' : 'windows',
});

const entry = (transfer: string, image: string, state: SlotEntry['state'] = 'waiting'): SlotEntry => ({
  transfer,
  image,
  state,
});

describe('grantable', () => {
  test.each<[string, SlotEntry[], number, string[]]>([
    ['nobody waits', [], 3, []],
    [
      'in order, as many as there are slots',
      [entry('1', 'a'), entry('2', 'b'), entry('3', 'c')],
      2,
      ['1', '2'],
    ],
    ['one of each image', [entry('1', 'a'), entry('2', 'a'), entry('3', 'b')], 3, ['1', '3']],
    ['none while the first of the image runs', [entry('1', 'a', 'running'), entry('2', 'a')], 3, []],
    ['none while the first of the image rests', [entry('1', 'a', 'resting'), entry('2', 'a')], 3, []],
    ['not while all slots are taken', [entry('1', 'a', 'running'), entry('2', 'b')], 1, []],
    ['not while more run than there are slots now', [entry('1', 'a', 'running'), entry('2', 'b')], 0, []],
  ])('%s', (_what, queue, slots_max, granted) => {
    expect(grantable(queue, slots_max)).toEqual(granted);
  });
});

describe('replica', () => {
  test('gives slots out when the link comes up, in the order of the requests', () => {
    const replica = new Driven('replica', input).send(
      request('t1', 'a'),
      request('t2', 'a'),
      request('t3', 'b'),
    );
    expect(told(replica)).toEqual([]);
    replica.send(up());
    expect(replica.state).toBe('back');
    expect(told(replica)).toEqual(['t1 slot.granted', 't3 slot.granted']);
    replica.send({ type: 'slot.release', transfer: 't1' });
    expect(told(replica)).toEqual(['t2 slot.granted']);
    expect(queueOf(replica)).toEqual(['t2 running', 't3 running']);
  });

  test('keeps the place of one that rests, and gives its slot to another image', () => {
    const replica = new Driven('replica', { ...input, slots_max: 1 }).send(up(), request('t1', 'a'));
    replica.send(request('t2', 'a'), request('t3', 'b'), { type: 'slot.rest', transfer: 't1' });
    expect(told(replica)).toEqual(['t3 slot.granted']);
    replica.send(request('t1', 'a'), { type: 'slot.release', transfer: 't3' });
    expect(told(replica)).toEqual(['t1 slot.granted']);
    expect(queueOf(replica)).toEqual(['t1 running', 't2 waiting']);
  });

  test.each<[string, PlainEvent]>([
    ['the link goes down', down()],
    ['the master was restarted', { type: 'restarted', epoch: 2 }],
  ])('tells who holds a slot, and leaves it to them, when %s', (_what, event) => {
    const replica = new Driven('replica', input).send(
      up(),
      request('t1'),
      request('t2'),
      request('t3'),
      event,
    );
    expect(replica.state).toBe('offline');
    expect(told(replica)).toEqual(['t1 replica.offline', 't2 replica.offline']);
    expect(queueOf(replica)).toEqual(['t1 running', 't2 running', 't3 waiting']);
    // One that plans anew gives its slot back; the other one goes on when the link is there again.
    replica.send(request('t1'), up('s2'));
    expect(told(replica)).toEqual(['t2 replica.online', 't1 slot.granted']);
    replica.send(event.type === 'link.down' ? down('s2') : event);
    expect(replica.context).toMatchObject({ session: '', address: '', changed_at_ms: 1_000 });
  });

  test('a second link takes over: the first one going down later changes nothing', () => {
    const replica = new Driven('replica', input).send(up(), request('t1'), up('s2'));
    expect(told(replica)).toEqual(['t1 replica.offline', 't1 replica.online']);
    expect(replica.send(down('s1')).state).toBe('back');
    expect(replica.send(answered('s1')).state).toBe('back');
    expect(replica.send(missed('s1'), answered('s2')).state).toBe('online');
    expect(replica.send(down('s2')).state).toBe('offline');
  });

  test.each<[string, PlainEvent[], string, string]>([
    ['nothing', [], 'offline', 'it has not connected yet'],
    ['a link', [up()], 'back', ''],
    ['an answer', [up(), answered()], 'online', ''],
    ['silence from the beginning', [up(), missed()], 'suspect', 'no answer to a keep-alive over 10 s'],
    [
      'silence after an answer',
      [up(), answered(), missed()],
      'suspect',
      'no answer to a keep-alive over 10 s',
    ],
    ['an answer after silence', [up(), missed(), answered()], 'online', ''],
    ['the end of the link after silence', [up(), missed(), down()], 'offline', 'cable'],
    ['a new link after silence', [up(), missed(), up('s2')], 'back', ''],
    [
      'a restart after silence',
      [up(), missed(), { type: 'restarted', epoch: 2 }],
      'offline',
      'the master was restarted',
    ],
    ['an answer when offline', [answered()], 'offline', 'it has not connected yet'],
    ['an answer on a link that is gone', [up(), up('s2'), answered('s1')], 'back', ''],
    ['silence on a link that is gone', [up(), up('s2'), answered('s2'), missed('s1')], 'online', ''],
  ])('%s makes it what it is', (_what, events, state, reason) => {
    const replica = new Driven('replica', input).send(...events);
    expect([replica.state, replica.context['reason']]).toEqual([state, reason]);
    expect(replica.context['linked_at_ms'] !== null).toBe(isConnected(replica.state));
  });

  test('tells when it came into its state, and when its link came up', () => {
    const replica = new Driven('replica', input).send({ ...up(), at_ms: 1 }, { ...answered(), at_ms: 2 });
    expect(replica.context).toMatchObject({ linked_at_ms: 1, changed_at_ms: 2 });
    replica.send({ ...missed(), at_ms: 3 });
    expect(replica.context).toMatchObject({ linked_at_ms: 1, changed_at_ms: 3 });
    replica.send({ ...down(), at_ms: 4 });
    expect(replica.context).toMatchObject({ linked_at_ms: null, changed_at_ms: 4 });
  });

  test('while it is suspect, what runs goes on and nothing begins; an answer lets it', () => {
    const replica = new Driven('replica', input).send(up(), answered(), request('t1'), missed());
    expect(told(replica)).toEqual([]);
    replica.send(request('t2'));
    expect(told(replica)).toEqual([]);
    replica.send({ type: 'configure', node_id: 1, slots_max: 3 });
    expect(told(replica)).toEqual([]);
    replica.send({ type: 'slot.rest', transfer: 't1' }, request('t1'));
    expect([told(replica), queueOf(replica)]).toEqual([[], ['t1 waiting', 't2 waiting']]);
    replica.send(answered());
    expect(told(replica)).toEqual(['t1 slot.granted', 't2 slot.granted']);
  });

  test('more slots are given out at once, fewer take none back', () => {
    const replica = new Driven('replica', { ...input, slots_max: 1 }).send(
      up(),
      request('t1'),
      request('t2'),
    );
    replica.send({ type: 'configure', node_id: 1, slots_max: 2 });
    expect(told(replica)).toEqual(['t2 slot.granted']);
    replica.send({ type: 'configure', node_id: 1, slots_max: 1 });
    expect(queueOf(replica)).toEqual(['t1 running', 't2 running']);
  });

  test('never more running than slots, never two of one image, never one twice in the queue', () => {
    const events = anyEvent('replica').filter(({ type }) => type !== 'configure');
    fc.assert(
      fc.property(fc.array(events.map(ofImage), { maxLength: 60 }), (sequence) => {
        const replica = new Driven('replica', input);
        for (const event of sequence) {
          const { queue } = replica.send(event).context as unknown as ReplicaContext;
          const running = queue.filter(({ state }) => state === 'running');
          expect(running.length).toBeLessThanOrEqual(input.slots_max);
          expect(new Set(running.map(({ image }) => image)).size).toBe(running.length);
          expect(new Set(queue.map(({ transfer }) => transfer)).size).toBe(queue.length);
          const grants = replica.state === 'online' || replica.state === 'back';
          expect(grants ? grantable(queue, input.slots_max) : []).toEqual([]);
          const granted = told(replica).filter((what) => what.endsWith('slot.granted'));
          expect(grants ? [] : granted).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
