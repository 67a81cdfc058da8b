import { beforeEach, describe, expect, test } from 'vitest';
import { spreadOf } from '../../../src/core/backoff.js';
import { IcbdError, type ErrorReport } from '../../../src/core/errors.js';
import type { ControlLink, LivenessRhythm, Request } from '../../../src/core/link.js';
import type { KeepAliveEvent } from '../../../src/actors/replica.js';
import { KeepAlive, type KeepAliveOptions } from '../../../src/daemon/keep_alive.js';
import { ManualClock, settle } from '../runtime/support/bench.js';

const capabilities = { codecs: [], stream_version_max: 1, btrfs_progs: '6.2', kernel: '6.1' } as const;

/** A link whose peer answers, hangs, or says that it cannot. */
class FakeLink implements ControlLink {
  readonly session: string;
  readonly peer: ControlLink['peer'];
  readonly asked: { what: string; at_ms: number }[] = [];
  readonly closed: ErrorReport[] = [];
  rhythm: LivenessRhythm | undefined;
  /** How long its peer takes to answer, ms; null: it hangs. */
  answers_after_ms: number | null = 5;
  refusal: IcbdError | undefined;
  only_bytes = false;
  onClosed: () => void = () => undefined;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, node = 'north', session = 's1') {
    this.#clock = clock;
    this.session = session;
    this.peer = { node, instance: node, capabilities, address: 'a' };
  }

  sendMessage(): void {}

  async request({ method, params }: Request, { timeout_ms = 0 } = {}): Promise<unknown> {
    this.asked.push({ what: `${method} ${JSON.stringify(params)}`, at_ms: this.#clock.now() });
    await this.#answer(timeout_ms);
    if (this.refusal !== undefined) throw this.refusal;
    return 'pong';
  }

  async ping({ timeout_ms }: { timeout_ms: number }): Promise<number | null> {
    const asked_ms = this.#clock.now();
    this.asked.push({ what: 'connection', at_ms: asked_ms });
    await this.#answer(timeout_ms);
    return this.only_bytes ? null : this.#clock.now() - asked_ms;
  }

  setRhythm(rhythm: LivenessRhythm): void {
    this.rhythm = rhythm;
  }

  close(reason: ErrorReport): void {
    this.closed.push(reason);
    this.onClosed();
  }

  #answer(timeout_ms: number): Promise<void> {
    const { answers_after_ms } = this;
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new IcbdError('TimedOut', 'no answer', { operation: 'ping' }));
      if (answers_after_ms === null || answers_after_ms > timeout_ms) this.#clock.after(timeout_ms, fail);
      else this.#clock.after(answers_after_ms, resolve);
    });
  }
}

let clock: ManualClock;
let events: { node: string; event: KeepAliveEvent }[];
beforeEach(() => {
  clock = new ManualClock();
  events = [];
});

const make = (changes: Partial<KeepAliveOptions> = {}): KeepAlive =>
  new KeepAlive({
    clock,
    interval_ms: 10_000,
    tries: 3,
    mode: 'ping',
    onChange: (node, event) => void events.push({ node, event }),
    ...changes,
  });

/** Lets time pass in small steps, with the promises that follow from each. */
async function pass(duration_ms: number, step_ms = 5): Promise<void> {
  for (let passed = 0; passed < duration_ms; passed += step_ms) {
    clock.advance(step_ms);
    await settle();
  }
}

const types = (): string[] => events.map(({ event }) => event.type.replace('keepalive.', ''));

const reasonOf = (told: { event: KeepAliveEvent } | undefined): string =>
  told?.event.type === 'keepalive.missed' ? told.event.reason : '';

describe('keep-alives', () => {
  test('begin at once, come at the node’s own moment, and then every interval', async () => {
    const link = new FakeLink(clock);
    const start_ms = clock.now();
    make().attach(link);
    await pass(40_000);
    // Time goes by in steps of 5 ms here.
    const phase_ms = Math.ceil((10_000 * spreadOf('north')) / 5) * 5;
    const due = [0, phase_ms, phase_ms + 10_000, phase_ms + 20_000, phase_ms + 30_000];
    expect(link.asked.map(({ at_ms }) => at_ms - start_ms)).toEqual(due);
    expect(types()).toEqual(['answered']);
    expect(events[0]).toEqual({
      node: 'north',
      event: { type: 'keepalive.answered', session: 's1', round_trip_ms: 5 },
    });
  });

  test('tell the node how often it will be asked, and let the link’s own watch wait for longer', async () => {
    const link = new FakeLink(clock);
    make({ interval_ms: 20_000, tries: 2 }).attach(link);
    expect(link.asked[0]?.what).toBe('ping {"interval_ms":20000,"missed_max":2}');
    expect(link.rhythm).toEqual({ interval_ms: 20_000, missed_max: 4 });
    const quick = new FakeLink(clock, 'south');
    make({ interval_ms: 1_000 }).attach(quick);
    expect(quick.rhythm).toEqual({ interval_ms: 10_000, missed_max: 5 });
  });

  test('of 500 nodes that came at one moment are spread over the interval', async () => {
    const keep_alive = make();
    const links = Array.from({ length: 500 }, (_, index) => new FakeLink(clock, `replica-${index}`));
    for (const link of links) keep_alive.attach(link);
    const start_ms = clock.now();
    await pass(20_000, 50);
    const buckets = Array.from({ length: 100 }, () => 0);
    for (const { asked } of links) {
      const at_ms = (asked[1]?.at_ms ?? 0) - start_ms;
      const bucket = Math.min(99, Math.floor(at_ms / 100));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    expect(buckets.reduce((sum, count) => sum + count)).toBe(500);
    // 5 on average in each tenth of a second.
    expect(Math.max(...buckets)).toBeLessThan(20);
    keep_alive.close();
  });

  test.each(['ping', 'connection'] as const)(
    'in the mode %s: a node that hangs is suspect, and then loses its link',
    async (mode) => {
      const link = new FakeLink(clock);
      const keep_alive = make({ mode });
      link.onClosed = () => keep_alive.detach(link);
      keep_alive.attach(link);
      await pass(12_000);
      expect(link.asked.at(-1)?.what.split(' ')[0]).toBe(mode);
      link.answers_after_ms = null;
      const hung_ms = clock.now();
      while (link.closed.length === 0) await pass(100);
      expect(types()).toEqual(['answered', 'missed']);
      expect(events[1]?.event).toMatchObject({ session: 's1', tries: 1 });
      expect(reasonOf(events[1])).toMatch(
        /^no answer to a keep-alive over 10 s; the last answer came [\d.]+ s ago$/,
      );
      // tries x interval + the wait for one answer
      expect(clock.now() - hung_ms).toBeLessThanOrEqual(40_000);
      expect(link.closed).toHaveLength(1);
      expect(link.closed[0]).toMatchObject({ code: 'LinkLost', operation: 'keep-alive', subject: 'north' });
      expect(link.closed[0]?.message).toMatch(
        /^no answer to 3 keep-alives over 30 s; the last answer came [\d.]+ s ago$/,
      );
      expect(keep_alive.report('north')).toBeUndefined();
      const asked = link.asked.length;
      await pass(60_000, 100);
      expect(link.asked).toHaveLength(asked);
    },
  );

  test('an answer after a miss is told, and the misses count anew', async () => {
    const link = new FakeLink(clock);
    const keep_alive = make();
    link.answers_after_ms = null;
    keep_alive.attach(link);
    await pass(10_500, 50);
    expect(types()).toEqual(['missed']);
    expect(keep_alive.report('north')).toEqual({ last_answer_at_ms: null, round_trip_ms: null, missed: 1 });
    expect(reasonOf(events[0])).toContain('none was answered on this link');
    link.answers_after_ms = 30;
    await pass(20_000, 10);
    expect(types()).toEqual(['missed', 'answered']);
    expect(keep_alive.report('north')).toMatchObject({ round_trip_ms: 30, missed: 0 });
    link.answers_after_ms = null;
    await pass(21_000, 50);
    expect([types(), link.closed]).toEqual([['missed', 'answered', 'missed'], []]);
  });

  test('an answer that says no is one', async () => {
    const link = new FakeLink(clock);
    link.refusal = new IcbdError('InvalidMessage', 'no such request', { operation: 'answer request' });
    make().attach(link);
    await pass(30_000, 50);
    expect([types(), link.closed]).toEqual([['answered'], []]);
  });

  test('in the mode connection, other bytes than the answer are a sign of life without a time', async () => {
    const link = new FakeLink(clock);
    const keep_alive = make({ mode: 'connection' });
    keep_alive.attach(link);
    await pass(1_000);
    link.only_bytes = true;
    await pass(20_000, 50);
    expect(types()).toEqual(['answered']);
    expect(keep_alive.report('north')).toMatchObject({ round_trip_ms: null, missed: 0 });
  });

  test('that this process could not look at in time prove nothing, once', async () => {
    const link = new FakeLink(clock);
    const keep_alive = make({ tries: 1 });
    keep_alive.attach(link);
    await pass(100);
    link.answers_after_ms = null;
    // The process stands still while it waits.
    clock.advance(9_900);
    await settle();
    clock.now_ms += 120_000;
    await pass(50);
    expect([types(), link.closed, keep_alive.report('north')?.missed]).toEqual([['answered'], [], 0]);
    await pass(10_100, 50);
    expect(types()).toEqual(['answered', 'missed']);
    expect(link.closed).toHaveLength(1);
  });

  test('go on after the clock was set back', async () => {
    const link = new FakeLink(clock);
    make().attach(link);
    await pass(10_000);
    const asked = link.asked.length;
    clock.now_ms -= 3_600_000;
    // The timer that runs is not set back with it.
    clock.advance(3_600_000);
    await settle();
    await pass(30_000, 50);
    expect(link.asked.length).toBeGreaterThanOrEqual(asked + 3);
  });

  test('of an older link say nothing of the newer one', async () => {
    const older = new FakeLink(clock);
    const newer = new FakeLink(clock, 'north', 's2');
    const keep_alive = make();
    older.answers_after_ms = null;
    keep_alive.attach(older);
    keep_alive.attach(newer);
    keep_alive.detach(older);
    await pass(15_000, 50);
    expect(events.map(({ event }) => event.session)).toEqual(['s2']);
    expect(keep_alive.report('north')?.missed).toBe(0);
    keep_alive.close();
    const asked = newer.asked.length;
    await pass(30_000, 100);
    expect(newer.asked).toHaveLength(asked);
  });

  test('whose news cannot be noted end the link', async () => {
    const link = new FakeLink(clock);
    make({
      onChange: () => {
        throw new IcbdError('NoSpace', 'disk full', { operation: 'commit' });
      },
    }).attach(link);
    await pass(100);
    expect(link.closed).toEqual([expect.objectContaining({ code: 'NoSpace' })]);
  });
});
