/** Lists and histories of a node that has run for years: 10,000 transfers of 40 events each. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actorHistory } from '../../../src/daemon/actor_history.js';
import { ProgressBoard } from '../../../src/daemon/progress_board.js';
import { TransferReports } from '../../../src/daemon/transfer_reports.js';
import { Storage } from '../../../src/storage/storage.js';
import { makeSettledDatabase } from '../../support/settled_database.js';

const transfers = 10_000;
const events = 40;
const replica_events = 20_000;
/** Five times what is promised: other tests run at the same time. */
const patience_ms = 500;

let directory: string;
let storage: Storage;
let reports: TransferReports;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-large-'));
  const file = path.join(directory, 'state.db');
  makeSettledDatabase(file, { transfers, events, replica_events });
  storage = Storage.open(file);
  const board = new ProgressBoard({ now: () => 0, after: () => () => {} }, () => {});
  reports = new TransferReports(storage, board, 'transfer', 'hub');
}, 60_000);
afterAll(() => {
  storage?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The second time: a daemon has its database in memory. */
function inTime<T>(work: () => T): T {
  work();
  const began_ms = performance.now();
  const answer = work();
  JSON.stringify(answer);
  expect(performance.now() - began_ms).toBeLessThan(patience_ms);
  return answer;
}

describe('of ten thousand settled transfers', () => {
  test.each([
    [{}, 1_000, '10000-3fa9'],
    [{ sort: 'updated' as const }, 1_000, '10000-3fa9'],
    [{ sort: 'image' as const, direction: 'up' as const }, 1_000, '50-3fa9'],
    [{ sort: 'created' as const, direction: 'up' as const, limit: 10 }, 10, '1-3fa9'],
    [{ offset: 9_990 }, 10, '10-3fa9'],
    [{ states: ['failed'], limit: 5 }, 5, '9998-3fa9'],
    [{ states: ['parked'] }, 0, undefined],
    [{ text: 'vm17', limit: 100_000 }, 200, '9967-3fa9'],
    [{ number: '77' }, 1, '77-3fa9'],
  ])('a list of %j', (filter, count, first) => {
    const list = inTime(() => reports.list(filter));
    expect([list.length, list[0]?.id]).toEqual([count, first]);
  });

  test('how many there are', () => {
    expect(inTime(() => reports.count({ limit: 7 }))).toEqual({
      cancelled: 2_000,
      completed: 6_000,
      failed: 2_000,
    });
    expect(inTime(() => reports.count({ image: 'vm3', states: ['failed'] }))).toEqual({ failed: 200 });
  });

  test('one of them, found by its number, with all that happened to it', () => {
    const history = inTime(() => reports.history('4711'));
    expect(history.transfer).toMatchObject({ id: '4711-3fa9', settled: true, attempt: 2 });
    expect([history.events.length, history.effects.length, history.omitted]).toEqual([40, 10, 0]);
    const end = reports.history('4711', { limit: 3 });
    expect(end.events.map(({ seq }) => seq)).toEqual([38, 39, 40]);
    expect([end.effects.map(({ seq }) => seq), end.omitted]).toEqual([[40], 37]);
    const middle = reports.history('4711', { after_seq: 10, limit: 3 });
    expect([middle.events.map(({ seq }) => seq), middle.omitted]).toEqual([[11, 12, 13], 27]);
  });
});

test('of a replica with twenty thousand events: a thousand of them, and how many more there are', () => {
  const north = { kind: 'replica', id: 'replica1' } as const;
  const all = inTime(() => actorHistory(storage, north, { limit: 100_000 }));
  expect([all.events.length, all.events.at(-1)?.seq, all.omitted]).toEqual([1_000, 20_000, 19_000]);
  const changes = inTime(() => actorHistory(storage, north, { changes: true, limit: 500 }));
  expect([changes.events.length, changes.omitted]).toEqual([500, 1_500]);
  expect(changes.events.every(({ state, state_before }) => state !== state_before)).toBe(true);
});
