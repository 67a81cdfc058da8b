import { defineConfig } from 'vitest/config';

const serial = { fileParallelism: false, maxWorkers: 1 };

export default defineConfig({
  test: {
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
          maxWorkers: 2,
        },
      },
    ],
  },
});
