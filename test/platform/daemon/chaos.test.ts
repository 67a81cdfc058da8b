import { expect, test } from 'vitest';
import { seedOf } from '../../support/random.js';
import { describeReport, runChaos } from '../../chaos/run_chaos.js';

const fixed_seed = 20_251;

/** With what comes before and after, about two minutes. */
const fault_seconds = 75;

test('everything goes wrong, for two minutes with what comes after, and every copy is identical in the end', {
  timeout: 400_000,
}, async () => {
  const seed = seedOf('CHAOS_SEED', fixed_seed);
  const report = await runChaos({ seconds: fault_seconds, seed, say: () => undefined });
  process.stdout.write(`${describeReport(report).join('\n')}\n`);
  expect(report.problems).toEqual([]);
  expect(report.transfers).toBeGreaterThan(30);
  expect(Object.keys(report.faults).length).toBeGreaterThan(8);
});
