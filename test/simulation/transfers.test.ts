/**
 * A master and two replicas, with links that break, processes that die, and disks that fail, by a seed.
 * `SIM_SEED=17 npx vitest run --project simulation` repeats one run; `SIM_RUNS=5000` makes more.
 */
import { describe, expect, test } from 'vitest';
import { check } from './support/checks.js';
import { simulate } from './support/scenario.js';

const one_seed = process.env['SIM_SEED'];
const runs = Number(process.env['SIM_RUNS'] ?? 100);
const batches = 10;
const transfers_per_run = 20;

async function explain(seed: number): Promise<string[]> {
  const simulation = simulate(seed, transfers_per_run);
  try {
    await simulation.run();
    return check(simulation);
  } catch (error) {
    return [String((error as Error).stack)];
  }
}

describe('transfers through faults', () => {
  const seeds =
    one_seed === undefined ? Array.from({ length: runs }, (_, index) => index + 1) : [Number(one_seed)];
  const per_batch = Math.ceil(seeds.length / batches);
  for (let batch = 0; batch * per_batch < seeds.length; batch += 1) {
    const chosen = seeds.slice(batch * per_batch, (batch + 1) * per_batch);
    test(`all end as they must, seeds ${chosen[0]} to ${chosen.at(-1)}`, async () => {
      for (const seed of chosen)
        expect({ SIM_SEED: seed, wrong: await explain(seed) }).toEqual({ SIM_SEED: seed, wrong: [] });
    });
  }

  test('the faults do happen', async () => {
    const simulation = simulate(1, transfers_per_run);
    await simulation.run();
    expect(simulation.network.cuts).toBeGreaterThan(10);
    expect(simulation.master.crashes).toBeGreaterThan(1);
    for (const replica of simulation.replicas) expect(replica.crashes).toBeGreaterThan(1);
    const lives = simulation.replicas.flatMap(({ name }) =>
      simulation.master.storage.history.events({ kind: 'replica', id: name }),
    );
    for (const state of ['suspect', 'back', 'online', 'offline']) {
      expect(lives.filter((event) => event.state === state).length, state).toBeGreaterThan(5);
    }
    const states = simulation.master.storage.actors.countByState('transfer');
    expect(states['completed']).toBeGreaterThan(5);
    const { transfers, master } = simulation;
    const events = transfers.flatMap(({ id }) => master.storage.history.events({ kind: 'transfer', id }));
    const count = (holds: (event: (typeof events)[number]) => boolean): number => events.filter(holds).length;
    expect(count(({ state }) => state === 'disconnected')).toBeGreaterThan(10);
    expect(count(({ state }) => state === 'starting_over')).toBeGreaterThan(0);
    for (const state of ['paused', 'scheduled']) {
      expect(count((event) => event.state === state && event.state_before !== state)).toBeGreaterThan(0);
    }
    for (const type of ['woken', 'redrive', 'resume']) {
      expect(count(({ event, handled }) => event.type === type && handled)).toBeGreaterThan(0);
    }
    expect(count(({ event }) => Number(event['offset_bytes'] ?? 0) > 0)).toBeGreaterThan(3);
  });

  test('the same seed gives the same run', async () => {
    const histories = await Promise.all(
      [7, 7].map(async (seed) => {
        const simulation = simulate(seed, transfers_per_run);
        await simulation.run();
        const { transfers, master } = simulation;
        return transfers.map(({ id }) => master.storage.history.events({ kind: 'transfer', id }));
      }),
    );
    expect(histories[0]).toEqual(histories[1]);
  });
});
