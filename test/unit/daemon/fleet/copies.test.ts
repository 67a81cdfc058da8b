/** How a copy stands, for any histories of snapshots and transfers. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SnapshotInfo } from '../../../../src/core/lineage.js';
import {
  type CopyOptions,
  type ShownTransfer,
  copyOf,
  masterSnapshots,
  no_transfers,
} from '../../../../src/daemon/fleet/copies.js';

const now_ms = 1_800_000_000_000;

const snapshot = (age: number, more: Partial<SnapshotInfo> = {}): SnapshotInfo => ({
  number: String(age),
  uuid: `uuid-${age}`,
  received_uuid: '',
  parent_uuid: '',
  created_generation: age,
  created_at_ms: now_ms - (100 - age) * 1_000,
  ...more,
});

const transfer = (number: string, phase: ShownTransfer['phase'], more: Partial<ShownTransfer> = {}) => ({
  id: `t${number}`,
  number,
  identity: '',
  phase,
  created_at_ms: now_ms,
  ...more,
});

const transfersOf = (...all: ShownTransfer[]): CopyOptions['transfers'] => ({
  open: all.filter(({ phase }) => phase === 'moving' || phase === 'halted'),
  newest: new Map(all.map((one) => [one.number, one])),
});

const copy = (ours: readonly SnapshotInfo[], held: readonly string[], more: Partial<CopyOptions> = {}) =>
  copyOf({
    image: 'vm1',
    replica: 'r1',
    is_online: true,
    ours: masterSnapshots(ours),
    held: { identities: new Set(held), known_at_ms: now_ms },
    transfers: no_transfers,
    now_ms,
    ...more,
  });

const three = [snapshot(1), snapshot(2), snapshot(3)];

test('one that holds the newest is in sync, whatever older ones it lacks', () => {
  expect(copy(three, ['uuid-3'])).toMatchObject({
    state: 'in_sync',
    newest: '3',
    snapshots_behind: 0,
    lag_s: 0,
  });
});

test('the lag counts from the first snapshot after the newest common one', () => {
  expect(copy(three, ['uuid-1'])).toMatchObject({
    state: 'behind',
    newest: '1',
    snapshots_behind: 2,
    lag_s: 98,
  });
  expect(copy(three, [])).toMatchObject({ state: 'empty', newest: '', snapshots_behind: 3, lag_s: 99 });
});

test('a number alone proves nothing: what was made anew under a number is missing', () => {
  const anew = [snapshot(1), snapshot(2, { uuid: 'another' })];
  expect(copy(anew, ['uuid-1', 'uuid-2'])).toMatchObject({ state: 'behind', newest: '1' });
});

test('a snapshot that the master itself received is known by what it was received from', () => {
  const received = [snapshot(1, { received_uuid: 'origin' })];
  expect(copy(received, ['origin']).state).toBe('in_sync');
  expect(copy(received, ['uuid-1']).state).toBe('empty');
});

test('an image without snapshots lacks none; one that was not looked at yet is unknown', () => {
  expect(copy([], []).state).toBe('in_sync');
  expect(copy(three, [], { ours: undefined })).toMatchObject({ state: 'unknown', lag_s: 0 });
  expect(copy(three, [], { held: undefined })).toMatchObject({ state: 'unknown', known_at_ms: null });
});

test('a clock that was set back makes no negative lag', () => {
  expect(copy(three, [], { now_ms: 0 }).lag_s).toBe(0);
});

describe('of the missing snapshots, the newest that has a transfer decides', () => {
  test.each<[what: string, transfers: ShownTransfer[], state: string, failed: string]>([
    ['one on its way', [transfer('2', 'moving')], 'in_transfer', ''],
    ['a failed one', [transfer('3', 'failed')], 'failed', 't3'],
    [
      'an older failed one that a newer one makes good',
      [transfer('2', 'failed'), transfer('3', 'moving')],
      'in_transfer',
      't2',
    ],
    [
      'an older one on its way, and a newer one failed',
      [transfer('2', 'moving'), transfer('3', 'failed')],
      'failed',
      't3',
    ],
    ['one of a snapshot that it holds', [transfer('1', 'failed')], 'behind', ''],
    ['a paused one', [transfer('3', 'halted')], 'behind', ''],
    ['one that is over', [transfer('3', 'over')], 'behind', ''],
    [
      'one of an older snapshot of the same number',
      [transfer('3', 'failed', { created_at_ms: 0 })],
      'behind',
      '',
    ],
    ['one of another snapshot by its plan', [transfer('3', 'failed', { identity: 'other' })], 'behind', ''],
  ])('%s', (_what, transfers, state, failed_transfer) => {
    expect(copy(three, ['uuid-1'], { transfers: transfersOf(...transfers) })).toMatchObject({
      state,
      failed_transfer,
    });
  });
});

test('any: behind and lag agree with what is missing behind the newest common one', () => {
  const ages = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 12 });
  fc.assert(
    fc.property(ages, fc.array(fc.nat(99)), (made, kept) => {
      const shuffled = made.map((age) => snapshot(age));
      const report = copy(
        shuffled,
        kept.map((age) => `uuid-${age}`),
      );
      const common = made.filter((age) => kept.includes(age));
      const newest = Math.max(0, ...common);
      const missing = made.filter((age) => age > newest);
      expect(report.snapshots_behind).toBe(missing.length);
      expect(report.newest).toBe(newest === 0 ? '' : String(newest));
      expect(report.lag_s).toBe(missing.length === 0 ? 0 : 100 - Math.min(...missing));
      const without = newest === 0 ? 'empty' : 'behind';
      expect(report.state).toBe(missing.length === 0 ? 'in_sync' : without);
    }),
  );
});
