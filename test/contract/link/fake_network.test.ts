import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.js';
import { createFakeNetwork, type FakeNetwork } from '../../fakes/fake_link.js';
import { knownSecret, master, replica, secret, seeded } from '../../unit/transport/support.js';
import { messageOf, Recorder } from './control_link_suite.js';

/** Time that moves only when told to. */
class ManualClock implements Clock {
  #now_ms = 0;
  #due: { at_ms: number; order: number; work: () => void }[] = [];
  #order = 0;

  now(): number {
    return this.#now_ms;
  }
  after(delay_ms: number, work: () => void): () => void {
    this.#order += 1;
    const entry = { at_ms: this.#now_ms + delay_ms, order: this.#order, work };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  }
  /** Lets `duration_ms` pass, with all that is due on the way, and the promises that follow from it. */
  async pass(duration_ms: number): Promise<void> {
    const end_ms = this.#now_ms + duration_ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#due
        .filter(({ at_ms }) => at_ms <= end_ms)
        .toSorted((a, b) => a.at_ms - b.at_ms || a.order - b.order)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now_ms = next.at_ms;
      next.work();
    }
    this.#now_ms = end_ms;
  }
}

function makeWorld(seed: number): {
  clock: ManualClock;
  network: FakeNetwork;
  here: Recorder;
  there: Recorder;
} {
  const clock = new ManualClock();
  const network = createFakeNetwork({ clock, random: seeded(seed) });
  const [here, there] = [new Recorder(), new Recorder()];
  network.server({ ...master, secretOf: knownSecret, handlers: here });
  network.client({ ...replica, url: 'fake://master', secret, handlers: there }).start();
  return { clock, network, here, there };
}

async function historyOf(seed: number): Promise<string[]> {
  const { clock, network, here, there } = makeWorld(seed);
  network.setBreakProbability(0.1);
  for (let id = 1; id <= 40; id += 1) {
    here.up.at(-1)?.sendMessage(messageOf(id, 'replica-1'), 1);
    await clock.pass(500);
  }
  return [...there.order, ...there.messages.map(({ id }) => String(id))];
}

describe('fake network', () => {
  it('takes the time it is told to', async () => {
    const { clock, network, there } = makeWorld(1);
    network.setDelay(100, 100);
    await clock.pass(250);
    expect(there.up).toHaveLength(0);
    await clock.pass(300);
    expect(there.up).toHaveLength(1);
  });

  it('breaks the links of a node that is cut off, and lets it come back when healed', async () => {
    const { clock, network, here, there } = makeWorld(2);
    await clock.pass(1_000);
    here.up[0]?.sendMessage(messageOf(1, 'replica-1'), 1);
    network.cut('replica-1');
    await clock.pass(60_000);
    expect(there.messages).toEqual([]);
    expect([here.down.length, there.down.length, there.up.length]).toEqual([1, 1, 1]);
    network.heal('replica-1');
    await clock.pass(11_000);
    expect(here.up).toHaveLength(2);
  });

  it('silences a node that crashed, and tells the other one', async () => {
    const { clock, network, here, there } = makeWorld(3);
    await clock.pass(1_000);
    network.crash('replica-1');
    here.up[0]?.sendMessage(messageOf(1, 'replica-1'), 1);
    await clock.pass(60_000);
    expect([there.messages.length, there.down.length, here.down.length]).toEqual([0, 0, 1]);
    const again = new Recorder();
    network.client({ ...replica, url: 'fake://master', secret, handlers: again }).start();
    await clock.pass(1_000);
    expect([again.up.length, there.up.length]).toEqual([1, 1]);
  });

  it('repeats messages of earlier links, when told to', async () => {
    const { clock, network, here, there } = makeWorld(4);
    network.setRepeatProbability(1);
    await clock.pass(1_000);
    here.up[0]?.sendMessage(messageOf(1, 'replica-1'), 1);
    await clock.pass(1_000);
    network.cut('replica-1');
    network.heal('replica-1');
    await clock.pass(11_000);
    expect(there.messages.map(({ id }) => id)).toEqual([1, 1]);
  });

  it('breaks links at random, and a seed always gives the same history', async () => {
    const history = await historyOf(5);
    expect(await historyOf(5)).toEqual(history);
    expect(history.filter((line) => line.startsWith('down')).length).toBeGreaterThan(0);
  });
});
