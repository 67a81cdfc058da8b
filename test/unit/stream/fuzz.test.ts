import { expect, test } from 'vitest';
import { fuzzStreams } from '../../fuzz/stream.js';

test('two seconds of changed streams end with a parse or a typed error', () => {
  const seed = Date.now() % 1_000_000;
  process.stdout.write(`fuzz of streams: seed ${seed}\n`);
  const { cases, outcomes } = fuzzStreams(seed, 2_000);
  process.stdout.write(`fuzz of streams: ${cases} cases ${JSON.stringify(outcomes)}\n`);
  // The changes are of a kind that reaches every end.
  for (const outcome of ['parsed', 'CorruptData', 'StreamRefused', 'StreamVersionNotSupported']) {
    expect(outcomes[outcome]).toBeGreaterThan(0);
  }
  const others = Object.keys(outcomes).filter(
    (code) => !['parsed', 'CorruptData', 'StreamRefused', 'StreamVersionNotSupported'].includes(code),
  );
  expect(others).toEqual([]);
});
