/** Timelines: events with their causes, and the work that ran meanwhile as spans. */
import { expect, test } from 'vitest';
import { renderHistory, renderTimeline } from '../../../../src/cli/render/history.js';
import { chooseEvents } from '../../../../src/cli/render/history_steps.js';
import { widthOf } from '../../../../src/cli/render/text.js';
import { formatOffset, formatTimeOfDay } from '../../../../src/cli/render/units.js';
import type { View } from '../../../../src/cli/render/view.js';
import type { EffectRecord, EventRecord } from '../../../../src/core/records.js';
import { eventRecord } from '../../../support/event_record.js';
import { history_sample, noon_ms, stalled } from '../samples.js';

const plain: View = { now_ms: noon_ms + 61_500, columns: null, color: false };
const address = { kind: 'transfer', id: '7-3fa9' } as const;
const mebibyte = 1024 * 1024;

const squeezed = (text: string): string[] =>
  text.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
const at = (after_ms: number): string => formatTimeOfDay(noon_ms + after_ms);

function eventAt(
  seq: number,
  given: Partial<EventRecord> & Pick<EventRecord, 'event' | 'state'>,
): EventRecord {
  return eventRecord({
    ...address,
    seq,
    at_ms: noon_ms + seq * 1_000,
    state_before: given.state,
    attempt: 1,
    ...given,
  });
}

function effectAt(seq: number, given: Partial<EffectRecord>): EffectRecord {
  return {
    id: `transfer/7-3fa9:${seq}:0`,
    actor: address,
    seq,
    kind: 'send',
    params: {},
    status: 'done',
    epoch: 1,
    started_at_ms: noon_ms + seq * 1_000,
    ended_at_ms: noon_ms + (seq + 3) * 1_000,
    error: null,
    ...given,
  };
}

const because = (effect_seq: number) =>
  ({ kind: 'effect', effect: `transfer/7-3fa9:${effect_seq}:0` }) as const;

test('each step with time, delta, states and cause; attempts; what ran, from its begin to its end', () => {
  expect(squeezed(renderHistory(history_sample, plain))).toEqual([
    'transfer 4f2a9c, vm1/3 to replica1: completed, the replica holds the snapshot under its name',
    '#  TIME  DELTA  EVENT  STATE  WHY',
    `2026-03-01 ${formatOffset(noon_ms)}`,
    `0  ${at(0)}  created  new -> queued  operator root`,
    'attempt 1',
    `1  ${at(7)}  +7 ms  slot.granted  queued -> planning  replica/replica1, event 5`,
    '┌ plan 1.2 s stopped: no longer wanted',
    `2  ${at(1_250)}  +1.2 s  └ replica.offline  planning -> queued  replica/replica1, event 6: the link was closed: 1006`,
    'attempt 2',
    `3  ${at(4_000)}  +2.8 s  slot.granted  queued -> planning  replica/replica1, event 7`,
    '┌ plan 100 ms failed: no byte moved for 120 s [Stalled]',
    `4  ${at(4_100)}  +100 ms  └ plan.failed  planning -> resting  effect plan`,
    `5  ${at(5_000)}  +900 ms  backoff is over  resting -> queued  timer`,
    `6  ${at(6_000)}  +1.0 s  reception.completed  queued -> completed  replica1, message 12`,
    `7  ${at(7_000)}  +1.0 s  slot.granted  completed (ignored)  start`,
    '',
  ]);
});

test('events while something runs are joined to it; it may end with other news, be lost, or still run', () => {
  const events = [
    eventAt(1, {
      event: { type: 'reception.ready', resume_bytes: 0 },
      state: 'sending',
      state_before: 'offering',
    }),
    eventAt(2, {
      event: { type: 'send.begun', offset_bytes: 0, is_live: false },
      state: 'sending',
      cause: because(1),
    }),
    eventAt(3, {
      event: { type: 'send.link_lost', error: stalled },
      state: 'disconnected',
      state_before: 'sending',
      cause: because(1),
    }),
    eventAt(4, { event: { type: 'replica.online' }, state: 'sending', state_before: 'disconnected' }),
    eventAt(5, { event: { type: 'restarted' }, state: 'disconnected', state_before: 'sending', epoch: 2 }),
    eventAt(6, {
      event: { type: 'replica.online' },
      state: 'sending',
      state_before: 'disconnected',
      epoch: 2,
    }),
    eventAt(7, {
      event: { type: 'send.begun', offset_bytes: 7 * mebibyte, is_live: true },
      state: 'sending',
      cause: because(6),
      epoch: 2,
    }),
  ];
  const effects = [
    effectAt(1, {}),
    effectAt(4, { status: 'lost' }),
    effectAt(6, { status: 'running', ended_at_ms: null, epoch: 2 }),
  ];
  const text = renderTimeline({ events, effects }, { ...plain, now_ms: noon_ms + 10_000 });
  const lines = squeezed(text).filter((line) => /[┌│└]/.test(line));
  expect(lines).toEqual([
    '┌ send 3.0 s ended: link lost',
    `2  ${at(2_000)}  +1.0 s  │ send.begun  sending  effect send: from the beginning`,
    `3  ${at(3_000)}  +1.0 s  └ send.link_lost  sending -> disconnected  effect send: no byte moved for 120 s [Stalled]`,
    '┌ send lost: the daemon ended while it ran',
    `5  ${at(5_000)}  +1.0 s  └ restarted  disconnected`.replace(
      'disconnected',
      'sending -> disconnected  a test',
    ),
    '┌ send 4.0 s and still runs',
    `7  ${at(7_000)}  +1.0 s  │ send.begun  sending  effect send: goes on at 7.0 MiB, and btrfs send still ran`,
  ]);
});

test('what was ignored, what was asked and answered with no, messages and timers', () => {
  const events = [
    eventAt(1, {
      event: { type: 'pause' },
      state: 'paused',
      handled: false,
      ignored_reason: 'it is paused already',
      cause: { kind: 'operator', who: 'root' },
    }),
    eventAt(2, {
      event: { type: 'send.failed', error: stalled },
      state: 'failed',
      state_before: 'sending',
      guards: [
        { guard: 'isOfThisAttempt', passed: true },
        { guard: 'helpsToRetry', passed: false },
      ],
      intents: [
        { type: 'message', message: 4, peer: 'r1', to: 'reception/7-3fa9', event: 'transfer.hold' },
        {
          type: 'timer',
          timer: 'xstate.after.offer_timeout.transfer.offering',
          due_at_ms: noon_ms + 122_000,
        },
        { type: 'tell', to: 'replica/r1', event: 'slot.release' },
        { type: 'cancel_timer', timer: 'x' },
      ],
    }),
  ];
  const lines = squeezed(renderTimeline({ events, effects: [] }, plain));
  expect(lines).toContain(
    `1  ${at(1_000)}  pause  paused (ignored)  operator root; ignored because it is paused already`,
  );
  expect(lines).toContain('guard helpsToRetry: no');
  expect(lines).toContain(
    'message 4 to r1: transfer.hold; timer: offer timeout in 2 min; tells replica/r1: slot.release',
  );
});

test.each([80, 100, 140])('no line is longer than a terminal of %i columns', (columns) => {
  const text = renderHistory(history_sample, { ...plain, columns });
  // The title is the one line that is not broken.
  for (const line of text.split('\n').slice(1)) expect(widthOf(line), line).toBeLessThanOrEqual(columns);
  expect(text.replaceAll(/\s+/g, ' ')).toContain('replica/replica1, event 6: the link was closed: 1006');
});

test('what an older release wrote down has attempts all the same', () => {
  const events = [
    { type: 'send.begun', offset_bytes: 0, is_live: false },
    { type: 'receive.checkpoint', checkpoint: { offset_bytes: 9 * mebibyte } },
  ].map((event, seq) => eventAt(seq, { event, state: 'sending', state_before: '', attempt: 0 }));
  const over = eventAt(3, {
    event: { type: 'send.mismatch' },
    state: 'starting_over',
    state_before: '',
    attempt: 0,
  });
  const text = renderTimeline({ events: [...events, over], effects: [] }, plain);
  expect(text).toMatch(/receive\.checkpoint .*: 9\.0 MiB are on disk\n/);
  expect(text).toMatch(/attempt 1\n.*send\.mismatch +sending -> starting_over/);
});

function seqs(choice: Parameters<typeof chooseEvents>[1]): [number[], number] {
  const { shown, omitted } = chooseEvents(history_sample, choice);
  return [[...shown], omitted];
}

test('only some of the events: of an attempt, changes, errors, the newest', () => {
  expect(seqs({})).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], 0]);
  expect(seqs({ attempt: 2 })).toEqual([[3, 4, 5, 6, 7], 0]);
  expect(seqs({ changes: true })).toEqual([[0, 1, 2, 3, 4, 5, 6], 0]);
  expect(seqs({ errors: true })).toEqual([[3, 4], 0]);
  expect(seqs({ attempt: 2, limit: 2 })).toEqual([[6, 7], 3]);
  const shown = chooseEvents(history_sample, { errors: true }).shown;
  const lines = squeezed(renderHistory({ ...history_sample, omitted: 3 }, plain, shown));
  expect(lines[1]).toBe('3 older events not shown: --limit');
  expect(lines.slice(2).filter((line) => /^\d /.test(line)).length).toBe(2);
});

test('a cause, an intent or an effect that only a newer daemon knows does not stop it', () => {
  const strange = eventAt(1, {
    event: { type: 'beam' },
    state: 'teleporting',
    cause: { kind: 'oracle', name: 'delphi' } as never,
    intents: [{ type: 'pray', to: 'apollo' } as never],
  });
  const text = renderTimeline(
    { events: [strange], effects: [effectAt(1, { status: 'dreamt' as never })] },
    plain,
  );
  expect(text).toContain('{"kind":"oracle","name":"delphi"}');
  expect(text).toContain('send 3.0 s dreamt');
  expect(renderTimeline({ events: [], effects: [] }, plain)).toBe('no events\n');
});
