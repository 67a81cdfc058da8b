import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MachineDefinition } from '../../../src/actors/machines.js';
import type { StepsReport } from '../../../src/core/machine_report.js';
import type { ActorAddress, ActorRecord, EventRecord } from '../../../src/core/records.js';
import { inspectSteps } from '../../../src/inspection/steps.js';
import { compacted_event, fold } from '../../../src/runtime/fold.js';
import { Bench, cause, one, settle, two } from '../runtime/support/bench.js';
import { counters, secondVersion } from '../runtime/support/counter.js';

interface Told {
  readonly actor: ActorRecord;
  readonly events: readonly EventRecord[];
}

const rename = { 1: ({ context }: { context: unknown }) => ({ value: 'resting', context }) };

function inspect({ actor, events }: Told, definition: MachineDefinition = counters.image): StepsReport {
  return inspectSteps(definition, actor, events);
}

function told(bench: Bench, of: ActorAddress = one): Told {
  const actor = bench.storage.actors.load(of);
  if (actor === undefined) throw new Error(`no actor ${of.id}`);
  return { actor, events: bench.storage.history.events(of) };
}

function counted(...steps: readonly string[]): Told {
  const bench = new Bench();
  bench.create();
  for (const step of steps) bench.send(step);
  return told(bench);
}

/** The same with one event written otherwise. */
function tampered({ actor, events }: Told, seq: number, change: (event: EventRecord) => object): Told {
  return {
    actor,
    events: events.map((event) => (event.seq === seq ? { ...event, ...change(event) } : event)),
  };
}

/** Without what older releases did not write down. */
const old = ({ actor, events }: Told): Told => ({
  actor,
  events: events.map((event) => ({ ...event, digest: '' })),
});

const reason = (text: string): string => expect.stringContaining(text) as string;

describe('each step', () => {
  test('has the context after it, and what changed', () => {
    const report = inspect(counted('count', 'work', 'nonsense'));
    expect(report).toMatchObject({ kind: 'image', id: 'one', omitted: 0, departure: null, not_folded: '' });
    expect(report.steps.map(({ seq, state, changes }) => ({ seq, state, changes }))).toEqual([
      {
        seq: 1,
        state: 'idle',
        changes: [
          { path: 'name', after: 'one' },
          { path: 'count', after: 0 },
          { path: 'restarts', after: 0 },
          { path: 'last', after: '' },
        ],
      },
      { seq: 2, state: 'idle', changes: [{ path: 'count', before: 0, after: 1 }] },
      { seq: 3, state: 'working', changes: [] },
      { seq: 4, state: 'working', changes: [] },
    ]);
    expect(report.steps[1]?.context).toEqual({ name: 'one', count: 1, restarts: 0, last: '' });
    expect(report.steps[3]).toMatchObject({ handled: false, context: { count: 1 } });
    expect(report.steps[2]?.intents).toMatchObject([{ type: 'effect', kind: 'work' }]);
  });

  test('of the newest, only so many are given, and still all are done again', () => {
    const { actor, events } = counted(...Array.from({ length: 50 }, () => 'count'));
    const report = inspectSteps(counters.image, actor, events, 3);
    expect(report.steps.map(({ seq }) => seq)).toEqual([49, 50, 51]);
    expect(report.steps.map(({ context }) => (context as { count: number }).count)).toEqual([48, 49, 50]);
    expect(report).toMatchObject({ omitted: 48, departure: null });
  });
});

describe('a history that is not what happened', () => {
  const steps = ['count', 'work', 'count', 'halt', 'nonsense', 'count'];

  test.each([
    ['another event', 4, () => ({ event: { type: 'settle', at_ms: 1 } }), 4, 'leads to'],
    ['an event that the machine does not know', 4, () => ({ event: { type: 'x' } }), 4, 'knows'],
    ['another input', 1, () => ({ event: { type: 'created', input: { name: 'three' } } }), 1, 'knows'],
    ['another digest', 5, () => ({ digest: '0123456789abcdef' }), 5, 'knows'],
    ['an event that was ignored counts', 6, () => ({ handled: true, event: { type: 'count' } }), 6, 'knows'],
    ['an event that counted was ignored', 4, () => ({ handled: false }), 4, 'knows'],
    ['another state', 5, () => ({ state: 'working' }), 5, 'leads to idle'],
    ['another state before', 5, () => ({ state_before: 'idle' }), 5, 'begins in idle'],
    ['another state after one that was ignored', 6, () => ({ state: 'working' }), 6, 'was ignored'],
    ['an event that makes the machine throw', 4, () => ({ event: { type: 'explode' } }), 4, 'broken'],
  ])('%s: the first event that departs is named', (_what, seq, change, departs, why) => {
    const { departure } = inspect(tampered(counted(...steps), seq, change));
    expect(departure).toMatchObject({ seq: departs, reason: reason(why) });
  });

  test('events in another order, with a gap, or cut off', () => {
    const { actor, events } = counted(...steps);
    const [first, second, third, ...rest] = events as [EventRecord, EventRecord, EventRecord];
    const departs = (other: readonly EventRecord[], by = actor): object | null =>
      inspect({ actor: by, events: other }).departure;
    expect(departs([first, third, second, ...rest])).toEqual({ seq: 3, reason: reason('2 is missing') });
    expect(departs([first, ...rest])).toEqual({ seq: 4, reason: reason('2 is missing') });
    expect(departs([second, third, ...rest])).toEqual({ seq: 2, reason: reason('missing') });
    expect(departs([first, second, second])).toEqual({ seq: 2, reason: reason('behind event 2') });
    expect(departs([first, second])).toEqual({ seq: 2, reason: reason('missing') });
    expect(departs([])).toEqual({ seq: 0, reason: reason('no event') });
    expect(departs(events, { ...actor, seq: 3 })).toEqual({ seq: 7, reason: reason('ended at 3') });
  });

  test('another snapshot at the end', () => {
    const { actor, events } = counted(...steps);
    const snapshot = { ...actor.snapshot, context: { ...(actor.snapshot.context as object), count: 9 } };
    const { departure } = inspect({ actor: { ...actor, snapshot }, events });
    expect(departure).toMatchObject({ seq: 7, reason: reason('ended with') });
  });

  test('any event whatsoever that another one takes the place of is found, and at its place', () => {
    const words = ['count', 'work', 'halt', 'wait', 'settle'];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.constantFrom(...words),
        (sequence, place, other) => {
          const history = counted(...sequence);
          const seq = (place % sequence.length) + 2;
          const before = history.events.find((event) => event.seq === seq) as EventRecord;
          const changed = tampered(history, seq, ({ event }) => ({ event: { ...event, type: other } }));
          const found = inspect(changed).departure?.seq ?? null;
          const is_same = sameStep(history, changed, before, other);
          expect(found).toBe(is_same ? null : seq);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Whether another event at this place makes the same of the actor: then nobody can tell. */
function sameStep(history: Told, changed: Told, { seq, handled }: EventRecord, type: string): boolean {
  if (!handled || history.events[seq - 1]?.event.type === type) return true;
  const up_to = ({ events }: Told): unknown => fold(counters.image, events.slice(0, seq));
  return JSON.stringify(up_to(history)) === JSON.stringify(up_to(changed));
}

describe('histories of other releases', () => {
  test('events without a digest are compared by their state', () => {
    const history = old(counted('count', 'work', 'halt', 'count'));
    expect(inspect(history).departure).toBeNull();
    const state = tampered(history, 3, () => ({ event: { type: 'wait' } }));
    expect(inspect(state).departure?.seq).toBe(3);
    // What only the context would have told shows at the end.
    const context = tampered(history, 2, () => ({ event: { type: 'nothing' } }));
    expect(inspect(context).departure?.seq).toBe(5);
  });

  test('what a machine of an older version did is shown as it was written down', () => {
    const bench = new Bench();
    bench.create();
    bench.send('count');
    bench.start(secondVersion(rename));
    bench.send('count', { by: { amount: 10 } });
    bench.send('nonsense');
    const report = inspect(told(bench), secondVersion(rename).image);
    expect(report.departure).toBeNull();
    expect(report.not_folded).toContain('version 1');
    expect(
      report.steps.map(({ state, context }) => [state, (context as { count: number } | null)?.count]),
    ).toEqual([
      ['idle', undefined],
      ['idle', undefined],
      ['idle', 1],
      ['resting', 1],
      ['resting', 11],
      ['resting', 11],
    ]);
    // A program that is older than the history knows what the snapshots in it say, and how it ended.
    const older = inspect(told(bench));
    expect(older.departure).toBeNull();
    expect(older.not_folded).toContain('version 2');
    expect(older.steps.map(({ context }) => (context as { count: number } | null)?.count)).toEqual([
      0,
      1,
      1,
      undefined,
      undefined,
      11,
    ]);
    const { actor, events } = told(bench);
    const snapshot = { ...actor.snapshot, value: 'settled' };
    expect(inspect({ actor: { ...actor, snapshot }, events }).departure?.seq).toBe(6);
  });

  test('a history whose beginning was taken away begins at the snapshot that stands for it', () => {
    const { actor, events } = counted('count', 'count', 'work', 'halt', 'count');
    const snapshot = fold(counters.image, events.slice(0, 3));
    const compacted = tampered({ actor, events: events.slice(2) }, 3, () => ({
      event: { type: compacted_event, snapshot },
    }));
    const report = inspect(compacted);
    expect(report).toMatchObject({ departure: null, not_folded: '' });
    expect(report.steps.map(({ context }) => (context as { count: number }).count)).toEqual([2, 2, 2, 3]);
    expect(report.steps[0]?.changes).toEqual([]);
    const wrong = tampered(compacted, 3, () => ({
      event: { type: compacted_event, snapshot: { ...snapshot, value: 'working' } },
    }));
    expect(inspect(wrong).departure?.seq).toBe(3);
  });

  test('one that begins in the middle is whole if a later event carries a snapshot', () => {
    const bench = new Bench();
    bench.create();
    bench.send('count');
    bench.send('count');
    bench.start(secondVersion(rename));
    const { actor, events } = told(bench);
    const report = inspect({ actor, events: events.slice(1) }, secondVersion(rename).image);
    expect(report.departure).toBeNull();
    expect(report.steps.map(({ context }) => context === null)).toEqual([true, true, false, false]);
  });
});

describe('whatever happens', () => {
  test('a parked actor is shown with what it could not do', () => {
    const bench = new Bench();
    bench.create();
    for (const step of ['count', 'explode', 'count']) bench.send(step);
    const report = inspect(told(bench));
    expect(report.departure).toBeNull();
    expect(report.steps.at(-1)).toMatchObject({ handled: false, context: { count: 1 } });
    expect(report.steps.at(-1)?.ignored_reason).toContain('parked');
    expect(report.steps.at(-2)?.ignored_reason).toContain('the machine is broken');
  });

  test('one that an operator lets go on again is whole, also by a new version of its machine', () => {
    const bench = new Bench();
    bench.create();
    for (const step of ['count', 'explode']) bench.send(step);
    bench.runtime.unpark(one, cause);
    bench.send('count');
    const report = inspect(told(bench));
    expect(report).toMatchObject({ departure: null, not_folded: '' });
    const unparked = report.steps.find(({ event }) => event.type === 'unparked');
    expect(unparked).toMatchObject({ handled: true, context: { count: 1 }, changes: [] });
    expect(report.steps.at(-1)).toMatchObject({ handled: true, context: { count: 2 } });

    bench.send('explode');
    bench.start(secondVersion(rename));
    bench.runtime.unpark(one, cause);
    bench.send('count', { by: { amount: 10 } });
    const newer = inspect(told(bench), secondVersion(rename).image);
    expect(newer.departure).toBeNull();
    expect(newer.steps.at(-1)).toMatchObject({ state: 'resting', context: { count: 12 } });
  });

  test('doing it again gives what the row of every actor holds', async () => {
    const steps = [
      'work',
      'halt',
      'wait',
      'count',
      'tell',
      'spawn',
      'nonsense',
      'explode',
      'end',
      'time',
      'crash',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...steps), { maxLength: 30 }), async (sequence) => {
        const bench = new Bench();
        bench.create();
        bench.create('two');
        for (const step of sequence) {
          if (step === 'crash') bench.start();
          else if (step === 'time') bench.clock.advance(3_000);
          else if (step === 'end') bench.work.calls.shift()?.end('work.done');
          else bench.send(step, { to: 'two', say: 'work', id: 'three' });
          await settle();
        }
        for (const address of [one, two]) {
          const history = told(bench, address);
          const report = inspect(history);
          expect(report.departure).toBeNull();
          expect(report.steps.at(-1)?.context).toEqual(history.actor.snapshot.context);
        }
        bench.storage.close();
      }),
      { numRuns: 40 },
    );
  });
});
