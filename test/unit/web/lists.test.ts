import { describe, expect, test } from 'vitest';
import type { CopyReport, FleetReport } from '../../../src/core/fleet_report.js';
import type { TransferReport } from '../../../src/core/report.js';
import {
  cellSentence,
  cellWords,
  copySentences,
  lagNow,
  lagWords,
} from '../../../src/web/fleet/copy_words.js';
import {
  afterTransfer,
  gridOf,
  indexCopies,
  readFleetFilter,
  summarise,
  withReplicas,
  withTransfers,
  writeFleetFilter,
} from '../../../src/web/fleet/fleet_model.js';
import {
  askedOf,
  countedOf,
  fits,
  movedBy,
  page_rows,
  pagesOf,
  readFilter,
  redrivenStates,
  rowAt,
  totalOf,
  withChanged,
  writeFilter,
} from '../../../src/web/transfers/list_model.js';
import { canRedrive, outcomeWords } from '../../../src/web/transfers/outcome.js';
import { at_ms, makeFleet, makeReplicas, makeTransfer } from '../../browser/support/big_fleet.js';

const size = { replicas: 12, images: 4, transfers: 250 };
const transfer = (change: Partial<TransferReport> = {}): TransferReport => ({
  ...makeTransfer(0, size),
  ...change,
});
const copy = (change: Partial<CopyReport> = {}): CopyReport => ({
  image: 'vm',
  replica: 'r1',
  state: 'behind',
  is_online: true,
  newest: '40',
  snapshots_behind: 2,
  lag_s: 7_200,
  transfers: [],
  failed_transfer: '',
  known_at_ms: at_ms,
  ...change,
});

const after = (change: Partial<TransferReport>, before: Partial<CopyReport> = {}): CopyReport =>
  afterTransfer(copy(before), transfer({ id: 't', number: '42', ...change }), '42');

describe('a copy after one of its transfers has changed', () => {
  test('is in transfer while one moves, and not while it is paused', () => {
    expect(after({ state: 'sending', settled: false })).toMatchObject({
      state: 'in_transfer',
      transfers: ['t'],
    });
    expect(after({ state: 'paused', settled: false })).toMatchObject({ state: 'behind', transfers: ['t'] });
    expect(
      after({ state: 'paused', settled: false }, { state: 'in_transfer', transfers: ['t', 'u'] }),
    ).toMatchObject({ state: 'in_transfer', transfers: ['u', 't'] });
  });

  test('is in sync when the newest has come, and not when an older one has', () => {
    const before = { state: 'in_transfer', transfers: ['t'], failed_transfer: 'f' } as const;
    expect(after({ state: 'completed', settled: true }, before)).toMatchObject({
      state: 'in_sync',
      newest: '42',
      snapshots_behind: 0,
      lag_s: 0,
      transfers: [],
      failed_transfer: '',
    });
    expect(after({ state: 'completed', settled: true, number: '41' }, before)).toMatchObject({
      state: 'failed',
      transfers: [],
    });
  });

  test('has failed when it failed or was parked, and no longer when that one runs again', () => {
    expect(after({ state: 'failed', settled: true })).toMatchObject({
      state: 'failed',
      failed_transfer: 't',
    });
    expect(after({ state: 'sending', settled: false, parked_reason: 'it threw' })).toMatchObject({
      state: 'failed',
      transfers: [],
    });
    expect(
      after({ state: 'queued', settled: false }, { state: 'failed', failed_transfer: 't' }),
    ).toMatchObject({
      state: 'in_transfer',
      failed_transfer: '',
    });
    expect(
      after({ state: 'cancelled', settled: true }, { newest: '', state: 'in_transfer', transfers: ['t'] }),
    ).toMatchObject({ state: 'empty', transfers: [] });
  });

  test('stays in sync when an older snapshot is sent to it', () => {
    expect(after({ state: 'sending', settled: false }, { state: 'in_sync' }).state).toBe('in_sync');
  });
});

describe('the fleet', () => {
  const report: FleetReport = makeFleet(size);
  const index = indexCopies(report.copies);
  const all = { text: '', states: [], order: 'name' } as const;

  test('in numbers', () => {
    const { by_state, copies, slowest } = summarise(report);
    expect(copies).toBe(48);
    expect(Object.values(by_state).reduce((sum, count) => sum + count, 0)).toBe(48);
    expect(slowest?.lag_s).toBe(Math.max(...report.copies.map(({ lag_s }) => lag_s)));
    expect(summarise({ ...report, copies: [] }).slowest).toBeNull();
  });

  test('changes only where something happened', () => {
    const changed = withTransfers(report, [
      transfer({ image: 'debian-12', replica: 'ber-01', state: 'failed' }),
    ]);
    const differing = changed.copies.filter((one, place) => one !== report.copies[place]);
    expect(differing.map(({ image, replica }) => `${image} ${replica}`)).toEqual(['debian-12 ber-01']);
    const [first] = makeReplicas(size);
    if (first === undefined) throw new Error('no replicas');
    const gone = withReplicas(report, [{ ...first, state: 'offline' }]);
    expect(gone.replicas.find(({ name }) => name === first.name)?.state).toBe('offline');
    expect(
      gone.copies.filter(({ replica }) => replica === first.name).some(({ is_online }) => is_online),
    ).toBe(false);
  });

  test('text picks rows or columns, states pick rows', () => {
    expect(
      gridOf(report, index, all)
        .replicas.map(({ name }) => name)
        .slice(0, 4),
    ).toEqual(['ber-01', 'ber-02', 'ber-03', 'ham-01']);
    expect(gridOf(report, index, { ...all, text: 'BER' })).toMatchObject({
      replicas: [{ name: 'ber-01' }, { name: 'ber-02' }, { name: 'ber-03' }],
      images: { length: 4 },
    });
    expect(gridOf(report, index, { ...all, text: 'post' })).toMatchObject({
      replicas: { length: 12 },
      images: [{ name: 'postgres-a' }, { name: 'postgres-b' }],
    });
    expect(gridOf(report, index, { ...all, text: 'nowhere' })).toEqual({ replicas: [], images: [] });
    for (const state of ['behind', 'failed', 'in_transfer']) {
      const wanted = new Set(
        report.copies.filter((one) => one.state === state).map(({ replica }) => replica),
      );
      const { replicas } = gridOf(report, index, { ...all, states: [state] });
      expect(new Set(replicas.map(({ name }) => name))).toEqual(wanted);
    }
  });

  test('what is shown stands in the address', () => {
    const filter = readFleetFilter('?text=ber&state=failed,offline&order=worst');
    expect(filter).toEqual({ text: 'ber', states: ['failed', 'offline'], order: 'worst' });
    expect(readFleetFilter(`?${new URLSearchParams(writeFleetFilter(filter)).toString()}`)).toEqual(filter);
    expect(writeFleetFilter(readFleetFilter('?order=odd'))).toEqual({ text: '', state: '', order: '' });
  });

  test('the worst come first when asked for', () => {
    const worst = report.copies.map((one) => ({ ...one, state: 'in_sync' as const, lag_s: 0 }));
    const copies = worst.map((one, place) =>
      place === 17 ? copy({ ...one, state: 'failed', lag_s: 9 }) : one,
    );
    const online = report.replicas.map((one) => ({ ...one, state: 'online' }));
    const changed = { ...report, copies, replicas: online };
    const { replicas } = gridOf(changed, indexCopies(copies), { ...all, order: 'worst' });
    expect(replicas[0]?.name).toBe(copies[17]?.replica);
  });
});

const image = { name: 'vm', newest: '42', snapshot_count: 3, newest_at_ms: at_ms };
const said = (change: Partial<CopyReport>): string =>
  copySentences(copy(change), image, 7_200, at_ms + 60_000).join(' ');

describe('a copy in words', () => {
  test('a lag grows while nobody loads it again', () => {
    expect(lagNow(copy(), at_ms, at_ms + 60_000)).toBe(7_260);
    expect(lagNow(copy({ lag_s: 0 }), at_ms, at_ms + 60_000)).toBe(0);
    expect(lagWords(copy(), 7_200)).toBe('2 snapshots behind, for 2 h');
  });

  test('a cell says as much as there is room for', () => {
    const words = (change: Partial<CopyReport>, is_roomy: boolean): string =>
      cellWords(copy(change), 7_200, null, is_roomy);
    expect([words({}, false), words({}, true)]).toEqual(['2 · 2 h', '2 behind · 2 h']);
    expect([words({ state: 'in_sync' }, false), words({ state: 'in_sync' }, true)]).toEqual([
      '40',
      'in sync · 40',
    ]);
    expect(words({ state: 'failed' }, true)).toBe('failed · 2 behind · 2 h');
    expect(words({ state: 'in_transfer' }, false)).toBe('under way');
    expect(cellWords(copy({ state: 'in_transfer' }), 0, makeTransfer(2, size).progress, true)).toBe(
      'sending 38 %',
    );
    expect(cellSentence(copy({ is_online: false }), 7_200)).toBe(
      'vm on r1: behind, 2 snapshots behind, for 2 h, holds 40, replica offline',
    );
  });

  test('its card says what holds, and what follows from it', () => {
    expect(said({})).toBe('It holds 40; the newest is 42. That is 2 snapshots behind, for 2 h.');
    expect(said({ state: 'in_sync', snapshots_behind: 0 })).toBe('It holds the newest snapshot, 42.');
    expect(said({ state: 'empty', newest: '' })).toBe('It holds no snapshot of it; the newest is 42.');
    expect(said({ state: 'unknown', newest: '', snapshots_behind: 0 })).toContain(
      'has not said what it holds',
    );
    expect(said({ is_online: false })).toContain('r1 is offline: a transfer waits until it is back.');
  });
});

describe('the list of transfers', () => {
  const filter = readFilter('?state=failed,queued&image=vm&text=ber&sort=replica');

  test('what is asked for stands in the address', () => {
    expect(filter).toEqual({
      states: ['failed', 'queued'],
      image: 'vm',
      replica: '',
      text: 'ber',
      sort: 'replica',
      direction: 'up',
    });
    const written = Object.entries(writeFilter(filter)).filter(([, value]) => value !== '');
    expect(readFilter(`?${new URLSearchParams(written).toString()}`)).toEqual(filter);
    expect(writeFilter(readFilter(''))).toEqual({
      state: '',
      image: '',
      replica: '',
      text: '',
      sort: '',
      direction: '',
    });
    expect(readFilter('?sort=price&direction=sideways')).toMatchObject({
      sort: 'created',
      direction: 'down',
    });
    expect(askedOf(filter)).toMatchObject({ states: 'failed,queued', sort: 'replica', direction: 'up' });
    expect(countedOf(filter)).toEqual({ image: 'vm', replica: '', text: 'ber' });
  });

  const pages = new Map([
    [0, Array.from({ length: page_rows }, (_, row) => makeTransfer(row, size))],
    [2, Array.from({ length: 50 }, (_, row) => makeTransfer(2 * page_rows + row, size))],
  ]);
  const none = readFilter('');

  test('rows are found in their pages', () => {
    expect(rowAt(pages, 203)?.id).toBe(makeTransfer(203, size).id);
    expect(rowAt(pages, 120)).toBeUndefined();
    expect([pagesOf(0, 100), pagesOf(90, 110), pagesOf(5, 5), pagesOf(199, 301)]).toEqual([
      [0],
      [0, 1],
      [],
      [1, 2, 3],
    ]);
    expect(totalOf({ failed: 3, queued: 2, completed: 9 }, ['failed', 'queued', 'parked'])).toBe(5);
    expect(totalOf({ failed: 3, completed: 9 }, [])).toBe(12);
  });

  test('what changes, changes where it stands', () => {
    const changed = { ...makeTransfer(203, size), state: 'failed' };
    const next = withChanged(pages, [changed]);
    expect(rowAt(next, 203)).toBe(changed);
    expect(next.get(0)).toBe(pages.get(0));
    expect(withChanged(pages, [transfer({ id: 'elsewhere' })])).toBe(pages);
  });

  test('what comes or goes is told and does not move anything', () => {
    const made = transfer({ id: '900-ffff' });
    const known = makeTransfer(3, size);
    expect(movedBy(pages, [made, known], none)).toEqual(['900-ffff']);
    expect(movedBy(pages, [{ ...known, state: 'failed' }], { ...none, states: ['sending'] })).toEqual([
      known.id,
    ]);
    expect(movedBy(pages, [made], { ...none, text: 'nowhere' })).toEqual([]);
  });

  test('a row fits by state, names and text', () => {
    const one = transfer({
      image: 'vm',
      replica: 'ber-01',
      number: '77',
      state: 'failed',
      parked_reason: '',
    });
    expect(fits(one, { ...none, states: ['failed'], image: 'vm', replica: 'ber-01', text: 'BER' })).toBe(
      true,
    );
    expect(fits({ ...one, parked_reason: 'it threw' }, { ...none, states: ['failed'] })).toBe(false);
    expect(fits(one, { ...none, image: 'other' })).toBe(false);
    expect(fits(one, { ...none, replica: 'other' })).toBe(false);
    expect(fits(one, { ...none, text: '77' })).toBe(true);
  });

  test('many are run again by what is shown of them', () => {
    expect(redrivenStates(none)).toEqual(['failed']);
    expect(redrivenStates({ ...none, states: ['completed'] })).toEqual([]);
    expect(redrivenStates({ ...none, states: ['cancelled', 'failed', 'queued'] })).toEqual([
      'failed',
      'cancelled',
    ]);
  });

  test('a line says how each stands', () => {
    const line = (change: Partial<TransferReport>): string =>
      outcomeWords(transfer({ settled: true, progress: null, last_error: null, ...change }), at_ms);
    const times = { created_at_ms: at_ms - 31_000, updated_at_ms: at_ms };
    const last_error = {
      code: 'NoSpace',
      message: 'no space left\nmore',
      operation: '',
      subject: '',
      retryable: true,
      hint: '',
    } as const;
    expect(line({ state: 'completed', stream_bytes: 2_147_483_648, ...times })).toBe('2.00 GiB in 31 s');
    expect(line({ state: 'completed', already_there: true, ...times })).toBe('it was there already');
    expect(line({ state: 'failed', last_error })).toBe('no space left');
    expect(line({ state: 'resting', last_error, next_at_ms: at_ms + 40_000 })).toBe(
      'tries again in 40 s: no space left',
    );
    expect(line({ state: 'scheduled', next_at_ms: at_ms + 90_000 })).toBe('begins in 1 min');
    expect(line({ state: 'sending', parked_reason: 'it threw\nat x' })).toBe('it threw');
    expect(line({ state: 'queued', state_description: 'waits' })).toBe('waits');
    expect(canRedrive(transfer({ verbs: [{ verb: 'redrive', is_allowed: true, reason: '' }] }))).toBe(true);
    expect(canRedrive(transfer())).toBe(false);
  });
});
