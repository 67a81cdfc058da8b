import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest tests, longest first: one that began last would be waited for with one core idle. */
const longest = [
  'chaos',
  'power',
  'crash',
  'world_content',
  'resume',
  'codec/command',
  'verify',
  'demo/demo',
  'daemon/transfer_verbs',
  'simulation/transfers',
  'stream/receive',
];

/** Where a file stands in `longest`; all others behind. */
function rank({ moduleId }: TestSpecification): number {
  const index = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return index === -1 ? longest.length : index;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => rank(one) - rank(other));
  }
}

/** Tests of all kinds run together, and wait more than they work: each has files, daemons and ports of its own. */
const maxWorkers = 3;

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000, maxWorkers } },
      {
        test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000, maxWorkers },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'platform',
          include: ['test/platform/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
    ],
  },
});
