import { describe, expect, it } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { Redialer, redialWait, type RedialOptions } from '../../../src/transport/redial.js';
import { ManualClock } from '../runtime/support/bench.js';
import { seeded } from './support.js';

const lost = new IcbdError('LinkLost', 'the connection broke', { operation: 'test' });
const leaving = new IcbdError('Interrupted', 'the node stops', { operation: 'test' });

/** Bytes that `random` gives, as the daemon's cryptographic ones are asked for. */
const bytesOf =
  (random: () => number) =>
  (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));

interface Client {
  readonly dialled_at_ms: number[];
  up_at_ms: number | undefined;
}

/** Clients of one server, on a clock: what each dial finds is up to `answer`. */
function makeClients(clock: ManualClock, count: number, answer: () => 'up' | IcbdError) {
  const random = seeded(1);
  const drops: ((reason: IcbdError) => void)[] = [];
  const clients = Array.from({ length: count }, (): Client => {
    const client: Client = { dialled_at_ms: [], up_at_ms: undefined };
    const dial: RedialOptions['dial'] = (hooks) => {
      client.dialled_at_ms.push(clock.now());
      // A connection takes its time: nothing is known when `dial` returns.
      const cancel = clock.after(2, () => {
        const outcome = answer();
        if (outcome !== 'up') {
          hooks.onEnded(outcome);
          return;
        }
        client.up_at_ms = clock.now();
        hooks.onUp({ close: () => undefined });
        drops.push((reason) => {
          client.up_at_ms = undefined;
          hooks.onEnded(reason);
        });
      });
      return cancel;
    };
    new Redialer({ clock, randomBytes: bytesOf(random), dial, log: () => undefined }).start();
    return client;
  });
  const dropAll = (reason: IcbdError): void => {
    for (const drop of drops.splice(0)) drop(reason);
  };
  return { clients, dropAll };
}

/** Lets time go by in small steps. */
function pass(clock: ManualClock, duration_ms: number): void {
  for (let passed_ms = 0; passed_ms < duration_ms; passed_ms += 10) clock.advance(10);
}

/** Most of `times_ms` in any 100 ms. */
function peakOf(times_ms: readonly number[]): number {
  const sorted = times_ms.toSorted((a, b) => a - b);
  let from = 0;
  let peak = 0;
  for (const [index, at_ms] of sorted.entries()) {
    while ((sorted[from] ?? 0) <= at_ms - 100) from += 1;
    peak = Math.max(peak, index - from + 1);
  }
  return peak;
}

const widest = (failures: number): number => redialWait(failures, 'LinkLost', 1 - 2 ** -32);

describe('the wait before the next dial', () => {
  it('is anything up to a window that grows to 10 s', () => {
    expect([1, 2, 3, 4, 5, 6, 60].map(widest)).toEqual([400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    expect(redialWait(3, 'LinkLost', 0)).toBe(0);
    expect(redialWait(3, 'LinkLost', 0.25)).toBe(400);
  });

  it('is longer at once when the peer says that it stops, and near the longest when it refuses', () => {
    expect(redialWait(1, 'Interrupted', 0.5)).toBe(1_000);
    expect(redialWait(9, 'Interrupted', 0.5)).toBe(5_000);
    for (const code of ['AuthenticationFailed', 'ProtocolVersionMismatch', 'NotPermitted'] as const) {
      expect(redialWait(1, code, 0)).toBe(7_500);
      expect(redialWait(1, code, 0.5)).toBe(8_750);
    }
  });
});

describe('500 nodes whose master', () => {
  it('stops in order and starts again at once come back over seconds', () => {
    const clock = new ManualClock();
    const { clients, dropAll } = makeClients(clock, 500, () => 'up');
    pass(clock, 20_000);
    const stopped_ms = clock.now();
    dropAll(leaving);
    pass(clock, 2_100);
    expect(clients.filter(({ up_at_ms }) => up_at_ms !== undefined)).toHaveLength(500);
    const times = clients.flatMap(({ dialled_at_ms }) =>
      dialled_at_ms.filter((at_ms) => at_ms >= stopped_ms),
    );
    // 25 on average.
    expect(peakOf(times)).toBeLessThanOrEqual(50);
  });

  it('is gone for a while: each dials ever more seldom, and no two hundred at a time when it is back', () => {
    const clock = new ManualClock();
    let is_up = true;
    const { clients, dropAll } = makeClients(clock, 500, () => (is_up ? 'up' : lost));
    pass(clock, 20_000);
    is_up = false;
    dropAll(lost);
    pass(clock, 60_000);
    const dials = clients.map(({ dialled_at_ms }) => dialled_at_ms.length - 1);
    // Windows of 0.4, 0.8, ... 6.4 s are through after 7 s on average; then one dial in 5 s.
    expect(Math.max(...dials)).toBeLessThan(40);
    expect(dials.reduce((sum, count) => sum + count) / 500).toBeLessThan(20);
    is_up = true;
    const back_ms = clock.now();
    pass(clock, 10_100);
    expect(clients.filter(({ up_at_ms }) => up_at_ms !== undefined)).toHaveLength(500);
    const times = clients.flatMap(({ dialled_at_ms }) => dialled_at_ms.filter((at_ms) => at_ms >= back_ms));
    // 5 to 10 on average.
    expect(peakOf(times)).toBeLessThanOrEqual(30);
  });

  it('takes only some at a time: the others come again later, and all are up in the end', () => {
    const clock = new ManualClock();
    let free = Number.POSITIVE_INFINITY;
    const { clients, dropAll } = makeClients(clock, 500, () => {
      if (free <= 0) return lost;
      free -= 1;
      return 'up';
    });
    pass(clock, 20_000);
    free = 0;
    dropAll(lost);
    // Ten in 100 ms.
    for (let passed_ms = 0; passed_ms < 30_000; passed_ms += 100) {
      free = 10;
      pass(clock, 100);
    }
    expect(clients.filter(({ up_at_ms }) => up_at_ms !== undefined)).toHaveLength(500);
  });
});
