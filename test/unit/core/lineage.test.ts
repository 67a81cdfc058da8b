import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type SnapshotInfo,
  commonSnapshots,
  compareByAge,
  compareSnapshots,
  identityOf,
  lastSnapshot,
  planTransfer,
} from '../../../src/core/lineage.js';

/** A snapshot made on the master: `u` and its number are its uuid, its number its age. */
const made = (number: number, more: Partial<SnapshotInfo> = {}): SnapshotInfo => ({
  number: String(number),
  uuid: `u${number}`,
  received_uuid: '',
  parent_uuid: '',
  created_generation: number * 10,
  created_at_ms: number,
  ...more,
});
/** Its copy on the replica. */
const copy = (number: number, more: Partial<SnapshotInfo> = {}): SnapshotInfo =>
  made(number, { uuid: `r${number}`, received_uuid: `u${number}`, ...more });

const ours = [1, 2, 3, 4, 5].map((number) => made(number));

describe('planTransfer', () => {
  test.each<[string, readonly SnapshotInfo[], object]>([
    ['nothing there: in full', [], { kind: 'full', reason: 'the replica holds no snapshot of the image' }],
    [
      'nothing in common: in full',
      [made(9, { uuid: 'x' })],
      { kind: 'full', reason: 'no snapshot in common' },
    ],
    ['the newest older one', [copy(1), copy(2)], { kind: 'incremental', parent: ours[1] }],
    ['older rather than nearer', [copy(1), copy(4)], { kind: 'incremental', parent: ours[0] }],
    ['the nearest later one', [copy(5), copy(4)], { kind: 'incremental', parent: ours[3] }],
    ['a copy under another number counts as parent', [copy(2, { number: '77' })], { parent: ours[1] }],
    ['already there', [copy(3)], { kind: 'already_there', number: '3' }],
    [
      'already there, under another number',
      [copy(3, { number: '77' })],
      { kind: 'already_there', number: '77' },
    ],
    ['another one under its number', [made(3, { uuid: 'x' })], { kind: 'conflict', theirs: { uuid: 'x' } }],
    [
      'another under its number, though its copy is there too',
      [copy(3, { number: '77' }), copy(4, { number: '3' })],
      { kind: 'conflict' },
    ],
    ['a number that is the same proves nothing', [made(2, { uuid: 'x' })], { kind: 'full' }],
  ])('%s', (_what, theirs, plan) => {
    expect(planTransfer(made(3), ours, theirs)).toMatchObject(plan);
  });

  test('goes by the identity of what was itself received', () => {
    const received = [copy(1), copy(2), copy(3)];
    const theirs = [copy(1, { uuid: 's1' })];
    expect(planTransfer(copy(3), received, theirs)).toMatchObject({
      kind: 'incremental',
      parent: received[0],
    });
    expect(planTransfer(copy(3), received, [made(3)])).toMatchObject({ kind: 'already_there' });
  });

  test('with any number of snapshots: a parent that both hold and none between it and the target', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 500 });
    fc.assert(
      fc.property(numbers, fc.array(fc.nat()), fc.nat(), (mine, picks, pick) => {
        const all = mine.map((number) => made(number));
        const target = all[pick % all.length] as SnapshotInfo;
        const held = picks
          .map((index) => mine[index % mine.length] as number)
          .filter((n) => String(n) !== target.number);
        const plan = planTransfer(
          target,
          all,
          held.map((number) => copy(number)),
        );
        const older = held.filter((number) => number < Number(target.number));
        const nearest = older.length > 0 ? Math.max(...older) : Math.min(...held);
        expect(plan).toMatchObject(
          held.length === 0 ? { kind: 'full' } : { kind: 'incremental', parent: { number: String(nearest) } },
        );
      }),
    );
  });
});

test('identity and age', () => {
  expect([identityOf(made(1)), identityOf(copy(1))]).toEqual(['u1', 'u1']);
  const same_generation = [made(10, { created_generation: 5 }), made(9, { created_generation: 5 }), made(1)];
  expect(same_generation.toSorted(compareByAge).map(({ number }) => number)).toEqual(['9', '10', '1']);
});

/** Named, and made in this order. */
const named = (...names: string[]): SnapshotInfo[] =>
  names.map((number, index) => made(index, { number, created_generation: index }));
const numbersOf = (snapshots: readonly SnapshotInfo[]): string[] => snapshots.map(({ number }) => number);

describe('order', () => {
  test.each([
    [['10', '9', '2'], ['2', '9', '10'], '10'],
    [['zebra', 'ant'], ['zebra', 'ant'], 'ant'],
    [['zebra', '3', 'ant', '100', '20'], ['3', '20', '100', 'zebra', 'ant'], '100'],
    [['007', '7', '07'], ['7', '007', '07'], '7'],
    [
      ['99999999999999999999', '100000000000000000000'],
      ['99999999999999999999', '100000000000000000000'],
      '100000000000000000000',
    ],
  ])('%j made in this order is %j, and its last is %s', (made_so, shown_so, last) => {
    expect(numbersOf(named(...made_so).toSorted(compareSnapshots))).toEqual(shown_so);
    expect(lastSnapshot(named(...made_so))?.number).toBe(last);
  });

  test('the last of none is none', () => {
    expect(lastSnapshot([])).toBeUndefined();
  });

  test('is the same whatever order they come in', () => {
    const name = fc.oneof(fc.nat({ max: 200 }).map(String), fc.constantFrom('a', 'b', '01', 'x y'));
    const several = fc.uniqueArray(fc.tuple(name, fc.nat({ max: 9 })), { selector: ([number]) => number });
    fc.assert(
      fc.property(several, fc.nat(), (pairs, turn) => {
        const snapshots = pairs.map(([number, created_generation]) =>
          made(1, { number, created_generation }),
        );
        const turned = [...snapshots.slice(turn % 7), ...snapshots.slice(0, turn % 7)];
        const shown = snapshots.toSorted(compareSnapshots);
        expect(turned.toSorted(compareSnapshots)).toEqual(shown);
        const numbers = shown.filter(({ number }) => /^(0|[1-9]\d*)$/.test(number));
        expect(lastSnapshot(turned)).toEqual((numbers.length > 0 ? numbers : shown).at(-1));
      }),
    );
  });
});

test('what both hold: that of the next increment comes first', () => {
  const theirs = [copy(2), copy(4, { number: 'four' }), made(5, { uuid: 'x' })];
  expect(commonSnapshots(ours, theirs).map(({ number }) => number)).toEqual(['4', '2']);
  const next = made(6);
  expect(planTransfer(next, [...ours, next], theirs)).toMatchObject({ parent: { number: '4' } });
  expect(commonSnapshots(ours, [])).toEqual([]);
});
