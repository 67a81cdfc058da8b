/** What nodes that break did, done again: the same digests at every event, and the same snapshot at the end. */
import { expect, test } from 'vitest';
import { machines } from '../../src/actors/machines.js';
import type { ActorKind } from '../../src/core/records.js';
import { inspectSteps } from '../../src/inspection/steps.js';
import { simulate } from './support/scenario.js';

const kinds: readonly ActorKind[] = ['image', 'replica', 'transfer', 'reception'];

test.each([11, 12, 13])('every history adds up, seed %i', async (seed) => {
  const simulation = simulate(seed, 20);
  await simulation.run();
  const wrong: string[] = [];
  let events = 0;
  for (const { name, storage } of [simulation.master, ...simulation.replicas]) {
    for (const actor of kinds.flatMap((kind) => storage.actors.list({ kind, limit: 1_000 }))) {
      const report = inspectSteps(machines[actor.kind], actor, storage.history.events(actor));
      const { departure, not_folded, steps } = report;
      events += steps.length;
      if (departure !== null) wrong.push(`${name} ${actor.id}, event ${departure.seq}: ${departure.reason}`);
      if (not_folded !== '') wrong.push(`${name} ${actor.id}: ${not_folded}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(events).toBeGreaterThan(500);
});
