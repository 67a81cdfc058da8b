import { expect, test } from 'vitest';
import { seedOf } from '../../support/random.js';
import { describeReport, runChaos } from '../../chaos/run_chaos.js';

const fixed_seed = 20_251;

test('two minutes of everything going wrong end with every copy identical', async () => {
  const seed = seedOf('CHAOS_SEED', fixed_seed);
  const report = await runChaos({ seconds: 110, seed, say: () => undefined });
  process.stdout.write(`${describeReport(report).join('\n')}\n`);
  expect(report.problems).toEqual([]);
  expect(report.transfers).toBeGreaterThan(30);
  expect(Object.keys(report.faults).length).toBeGreaterThan(8);
});
