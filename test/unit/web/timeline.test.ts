import { describe, expect, it } from 'vitest';
import type { EffectRecord, EventRecord } from '../../../src/core/records.js';
import { endsWork, firstOpenSeq, merged, withEvent } from '../../../src/web/transfer/merge.js';
import { filterTimeline, isEndOf, timelineOf } from '../../../src/web/transfer/spans.js';
import {
  causeWords,
  effectWords,
  eventDetails,
  eventWords,
  guardWords,
  intentWords,
} from '../../../src/web/transfer/words.js';
import { eventRecord } from '../../support/event_record.js';

const actor = { kind: 'transfer', id: '1-a' } as const;

const event = (seq: number, type: string, more: Partial<EventRecord> = {}): EventRecord =>
  eventRecord({
    ...actor,
    seq,
    at_ms: seq * 1_000,
    event: { type },
    state: 'sending',
    state_before: 'sending',
    ...more,
  });

const effect = (seq: number, kind: string, more: Partial<EffectRecord> = {}): EffectRecord => ({
  id: `transfer/1-a:${seq}:0`,
  actor,
  seq,
  kind,
  params: null,
  status: 'running',
  epoch: 1,
  started_at_ms: seq * 1_000,
  ended_at_ms: null,
  error: null,
  ...more,
});

const said = (seq: number) => ({ kind: 'effect', effect: `transfer/1-a:${seq}:0` }) as const;

const events = [
  event(1, 'created', { state_before: '', state: 'queued' }),
  event(2, 'slot.granted', { attempt: 1, state_before: 'queued', state: 'planning' }),
  event(3, 'plan.done', { attempt: 1, state_before: 'planning', state: 'sending', cause: said(2) }),
  event(4, 'send.begun', { attempt: 1, cause: said(3) }),
  event(5, 'reception.failed', { attempt: 1, handled: false, ignored_reason: 'it is about another attempt' }),
  event(6, 'send.failed', {
    attempt: 1,
    state: 'resting',
    cause: said(3),
    event: { type: 'send.failed', error: { code: 'Stalled', message: 'no byte moved' } },
  }),
  event(7, 'slot.granted', { attempt: 2, state: 'planning', state_before: 'queued' }),
];
const effects = [
  effect(2, 'plan', { status: 'done', ended_at_ms: 3_000 }),
  effect(3, 'send', { status: 'failed', ended_at_ms: 6_000 }),
  effect(7, 'plan'),
];

const details = (more: object) => eventDetails({ event: { type: 'any', ...more } });

describe('the timeline', () => {
  const sections = timelineOf(events, effects);

  it('has a section for each attempt', () => {
    expect(sections.map(({ attempt, entries }) => [attempt, entries.length])).toEqual([
      [0, 1],
      [1, 5],
      [2, 1],
    ]);
    expect(sections[1]).toMatchObject({ begun_at_ms: 2_000, duration_ms: 4_000 });
  });

  it('puts work where it began, with how long it took', () => {
    const [, first] = sections;
    const spans = first?.entries.map((entry) =>
      entry.spans.map((span) => [span.effect.kind, span.duration_ms]),
    );
    expect(spans).toEqual([[['plan', 1_000]], [['send', 3_000]], [], [], []]);
    expect(sections[2]?.entries[0]?.spans[0]?.duration_ms).toBeNull();
  });

  it('knows the end of work from what it says on the way', () => {
    const [, send] = effects as [EffectRecord, EffectRecord];
    const ends = events.filter((one) => isEndOf(one, send)).map(({ seq }) => seq);
    expect(ends).toEqual([6]);
    expect(sections[1]?.entries[2]?.reported?.effect.id).toBe(send.id);
    expect(isEndOf(events[5] as EventRecord, { ...send, status: 'lost' })).toBe(false);
  });

  it('is filtered by what changed, and by what went wrong', () => {
    const seqs = (filter: 'changes' | 'problems') =>
      filterTimeline(sections, filter).flatMap(({ entries }) => entries.map(({ record }) => record.seq));
    expect(seqs('changes')).toEqual([1, 2, 3, 6, 7]);
    expect(seqs('problems')).toEqual([3, 5, 6]);
    expect(filterTimeline(sections, 'all')).toBe(sections);
  });

  it('of ten thousand events is made quickly', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      event(index + 1, 'send.begun', { attempt: index >> 4 }),
    );
    const works = many.filter(({ seq }) => seq % 4 === 0).map(({ seq }) => effect(seq, 'send'));
    const began_ms = performance.now();
    timelineOf(many, works);
    expect(performance.now() - began_ms).toBeLessThan(500);
  });
});

describe('what came since the load', () => {
  const recorded = { events: events.slice(0, 2), effects: [] };

  it('is put behind it once, with the work that it began', () => {
    const begun = event(3, 'plan.done', {
      intents: [{ type: 'effect', effect: 'transfer/1-a:3:0', kind: 'send' }],
    });
    const once = withEvent(recorded, begun);
    expect(once.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(once.effects).toEqual([expect.objectContaining({ kind: 'send', status: 'running', seq: 3 })]);
    expect(withEvent(once, begun)).toBe(once);
  });

  it('says which events to ask for to learn how work ended', () => {
    expect(firstOpenSeq({ events, effects })).toBe(6);
    expect(firstOpenSeq({ events, effects: [effect(3, 'send')] })).toBe(2);
    expect(firstOpenSeq({ events: [], effects: [] })).toBe(0);
    expect(endsWork(events[3] as EventRecord)).toBe(true);
    expect(endsWork(events[1] as EventRecord)).toBe(false);
    expect(endsWork(event(8, 'restarted'))).toBe(true);
  });

  it('takes the newer word of an effect', () => {
    const both = merged(
      { events, effects: [effect(3, 'send')] },
      { events: events.slice(4), effects: effects.slice(1, 2) },
    );
    expect(both.events).toHaveLength(7);
    expect(both.effects.map(({ status }) => status)).toEqual(['failed']);
  });
});

describe('words', () => {
  it('of events', () => {
    expect(eventWords('send.link_lost')).toBe('send: link lost');
    expect(eventWords('xstate.after.offer_timeout.transfer.offering')).toBe('offer timeout is over');
    expect(eventWords('restarted')).toBe('was restarted');
    expect(eventWords('retry-now')).toBe('retry-now');
  });

  it('of what an event carries', () => {
    expect(details({ error: { message: 'no space', code: 'NoSpace' } })).toBe('no space [NoSpace]');
    expect(details({ offset_bytes: 0 })).toBe('from the beginning');
    expect(details({ resume_bytes: 1_572_864 })).toBe('goes on at 1.50 MiB');
    expect(details({ result: { parent: null, reason: 'it holds none', codec: 'zstd' } })).toBe(
      'in full, codec zstd: it holds none',
    );
    expect(details({ outcome: { stream_bytes: 2_048, hash: 'ab' } })).toBe('2.00 KiB of stream');
    expect(details({})).toBe('');
  });

  it('of causes, guards, intents and effects', () => {
    expect(causeWords({ kind: 'operator', who: 'anna' })).toBe('operator anna');
    expect(causeWords({ kind: 'peer', node: 'berlin', message: 4 })).toBe('berlin said so');
    expect(guardWords({ guard: 'helpsToRetry', passed: false })).toBe('helps to retry: no');
    const timer = {
      type: 'timer',
      timer: 'xstate.after.backoff.transfer.resting',
      due_at_ms: 21_000,
    } as const;
    expect(intentWords(timer, 1_000)).toBe('waits at most 20 s (backoff)');
    expect(intentWords({ type: 'stop', kind: 'send', effects: [] }, 0)).toBe('');
    expect(effectWords(effect(1, 'send', { status: 'lost' }))).toBe('lost: the daemon ended while it ran');
  });
});
