import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ReplicaContext, type SlotEntry, grantable } from '../../../src/actors/replica.js';
import type { PlainEvent } from '../../../src/core/records.js';
import { Driven } from './drive.js';
import { anyEvent } from './machine_events.js';

const input = { node_id: 1, name: 'north', slots_max: 2 };
const up = (session = 's1'): PlainEvent => ({ type: 'link.up', session, address: 'a', capabilities: null });
const down = (session = 's1'): PlainEvent => ({ type: 'link.down', session, reason: 'cable' });
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
    expect(replica.state).toBe('online');
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
    expect(replica.send(down('s1')).state).toBe('online');
    expect(replica.send(down('s2')).state).toBe('offline');
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
          const unused = replica.state === 'online' ? grantable(queue, input.slots_max) : [];
          expect(unused).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
