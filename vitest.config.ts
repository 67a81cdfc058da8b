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

const serial = { fileParallelism: false, maxWorkers: 1 };

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // By default there is one worker less than cores.
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000, maxWorkers: 2 },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000, ...serial } },
      { test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'platform',
          include: ['test/platform/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // They wait more than they work; each has filesystems, daemons and ports of its own.
          maxWorkers: 3,
        },
      },
    ],
  },
});
