import { expect, test } from 'vitest';
import { seedOf } from '../../support/random.js';
import { describeRates } from '../../stress/rates.js';
import { stressLinks } from '../../stress/stress_links.js';

test('twenty clients ask a name server for this and that: every answer is right, and a crash loses no name', async () => {
  const seed = seedOf('STRESS_SEED');
  const report = await stressLinks({ clients: 20, seconds: 3, seed, fixed: 100, say: () => undefined });
  process.stdout.write(`${describeRates(report.rates).join('\n')}\n`);
  expect(report.problems).toEqual([]);
  expect(report.rates.length).toBeGreaterThan(12);
  expect(report.calls).toBeGreaterThan(100);
  expect(report.names).toBeGreaterThan(100);
});
