/** Bytes that went to replicas: counted run by run, and kept in steps. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ActorAddress, ProgressRecord } from '../../../../src/core/records.js';
import { ByteCounts } from '../../../../src/daemon/fleet/byte_counts.js';
import { Throughput } from '../../../../src/daemon/fleet/throughput.js';
import { ProgressBoard } from '../../../../src/daemon/progress_board.js';
import { Storage } from '../../../../src/storage/storage.js';
import { ManualClock } from '../../runtime/support/bench.js';

let storage: Storage;
let clock: ManualClock;
let progress: ProgressBoard;
let counts: ByteCounts;
let throughput: Throughput;

/** A run of a transfer: its offset in the stream goes from where it begins. */
class Run {
  stream_bytes: number;
  link_bytes = 0;
  readonly end: () => void;

  constructor(id: string, from_bytes = 0) {
    this.stream_bytes = from_bytes;
    const actor: ActorAddress = { kind: 'transfer', id };
    this.end = progress.show(
      actor,
      () =>
        ({
          actor,
          attempt: 1,
          stream_bytes: this.stream_bytes,
          link_bytes: this.link_bytes,
          total_bytes: null,
          rate_bytes_per_s: 0,
          started_at_ms: 0,
          at_ms: clock.now(),
        }) as ProgressRecord,
    );
  }

  send(bytes: number): void {
    this.stream_bytes += bytes;
    this.link_bytes += Math.floor(bytes / 2);
  }
}

const samples = (replica: string, step_s = 10) => storage.throughput.sums(replica, 0, step_s);

beforeEach(() => {
  storage = Storage.open(':memory:');
  clock = new ManualClock();
  progress = new ProgressBoard(clock, () => undefined);
  counts = new ByteCounts(progress, ({ id }) => (id === 'nobody' ? undefined : (id.split('-')[0] ?? '')));
  const transaction = (work: () => void): void => storage.quickTransaction(work);
  throughput = new Throughput({ clock, counts, rows: storage.throughput, transaction });
});
afterEach(() => {
  storage.close();
});

test('each ten seconds have what went in them; where nothing went, there is nothing', () => {
  const run = new Run('r1-a');
  run.send(1_000);
  clock.advance(10_000);
  clock.advance(10_000);
  run.send(500);
  clock.advance(10_000);
  expect(samples('r1')).toEqual([
    { at_s: 1_000, stream_bytes: 1_000, link_bytes: 500 },
    { at_s: 1_020, stream_bytes: 500, link_bytes: 250 },
  ]);
  expect(samples('r1', 100)).toEqual([{ at_s: 1_000, stream_bytes: 1_500, link_bytes: 750 }]);
  expect(samples('r2')).toEqual([]);
});

test('what the replica had already is not counted, and a run that is over in between is', () => {
  const resumed = new Run('r1-a', 1_000_000);
  resumed.send(10);
  resumed.end();
  const again = new Run('r1-a', 0);
  again.send(20);
  again.end();
  clock.advance(10_000);
  expect(samples('r1')).toMatchObject([{ stream_bytes: 30 }]);
});

test('what is left of the last step is written at the end', () => {
  new Run('r2-a').send(8);
  throughput.close();
  expect(samples('r2')).toMatchObject([{ stream_bytes: 8, link_bytes: 4 }]);
  clock.advance(60_000);
  expect(samples('r2')).toHaveLength(1);
});

test('it is kept for seven days', () => {
  new Run('r1-a').send(2);
  clock.advance(10_000);
  expect(samples('r1')).toHaveLength(1);
  clock.now_ms += 6 * 24 * 3_600_000;
  clock.advance(10_000);
  expect(samples('r1')).toHaveLength(1);
  clock.now_ms += 24 * 3_600_000;
  clock.advance(10_000);
  expect(samples('r1')).toEqual([]);
});

test('an actor whose way nobody knows is not counted', () => {
  new Run('nobody').send(2);
  expect([...counts.totals()]).toEqual([]);
});

test('any: runs that start anywhere, end any time, and go back: all that was sent is counted once', () => {
  const step = fc.record({
    run: fc.integer({ min: 0, max: 2 }),
    bytes: fc.nat(1_000),
    restarts: fc.boolean(),
    from_bytes: fc.nat(1_000_000),
    wait_ms: fc.nat(25_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const before = samples('x', 1_000_000_000).reduce((sum, row) => sum + row.stream_bytes, 0);
      const runs = [new Run('x-0'), new Run('x-1'), new Run('x-2')];
      let sent = 0;
      for (const { run: index, bytes, restarts, from_bytes, wait_ms } of steps) {
        if (restarts) {
          runs[index]?.end();
          runs[index] = new Run(`x-${index}`, from_bytes);
        }
        runs[index]?.send(bytes);
        sent += bytes;
        clock.advance(wait_ms);
      }
      for (const run of runs) run.end();
      clock.advance(10_000);
      const after = samples('x', 1_000_000_000).reduce((sum, row) => sum + row.stream_bytes, 0);
      expect(after - before).toBe(sent);
    }),
    { numRuns: 50 },
  );
});
