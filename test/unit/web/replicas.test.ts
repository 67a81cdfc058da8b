import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CopyReport } from '../../../src/core/fleet_report.js';
import { pageDiagramCss } from '../../../src/web/chart/colours.js';
import { fitZoom, nextZoom, zoom_max, zoom_min } from '../../../src/web/chart/zoom.js';
import { needWords, snapshotRows } from '../../../src/web/image/needs.js';
import { axisLabels, axisSplits, plotData, throughputRows } from '../../../src/web/replicas/bins.js';
import { marksOf, periodsOf, shareWords, sharesOf } from '../../../src/web/replicas/periods.js';
import { lagWords, lagsOf, replicaRows, stateCounts } from '../../../src/web/replicas/rows.js';
import { makeCopy, makeFleet, makeReplicas, makeSnapshots } from '../../browser/support/big_fleet.js';
import { eventRecord } from '../../support/event_record.js';

const change = (at_ms: number, state_before: string, state: string, type = 'any', reason?: string) =>
  eventRecord({
    kind: 'replica',
    id: 'a',
    at_ms,
    state_before,
    state,
    event: reason === undefined ? { type } : { type, reason },
  });

const copy = (state: CopyReport['state'], lag_s = 0): CopyReport => ({
  ...makeCopy('debian-12', 'ber-01', 0),
  replica: 'a',
  state,
  lag_s,
});

const held = (replica: string, number = '', state: CopyReport['state'] = 'behind') =>
  ({ replica, newest: number, state }) as CopyReport;

const squeezed = (css: string) => css.replaceAll(/[\s;]+/g, '').replaceAll(',', '');

const words = (...copies: CopyReport[]) => lagWords(lagsOf(copies).get('a'), (seconds) => `${seconds} s`);

describe('times in each state', () => {
  const events = [
    change(100, 'offline', 'online'),
    change(200, 'online', 'suspect', 'keepalive.missed', 'no answer'),
    change(250, 'suspect', 'offline', 'restarted'),
    change(300, 'offline', 'online'),
    change(350, 'online', 'online', 'link.up'),
  ];

  it('follow each other without gaps', () => {
    expect(periodsOf(events, 0, 1_000)).toEqual([
      { state: 'offline', begin_ms: 0, end_ms: 100, reason: '' },
      { state: 'online', begin_ms: 100, end_ms: 200, reason: '' },
      { state: 'suspect', begin_ms: 200, end_ms: 250, reason: 'no answer' },
      { state: 'offline', begin_ms: 250, end_ms: 300, reason: 'the master was restarted' },
      { state: 'online', begin_ms: 300, end_ms: 1_000, reason: '' },
    ]);
  });

  it('are cut where the range ends', () => {
    expect(periodsOf(events, 210, 240)).toEqual([
      { state: 'suspect', begin_ms: 210, end_ms: 240, reason: 'no answer' },
    ]);
    expect(periodsOf(events, 2_000, 3_000).map(({ state }) => state)).toEqual(['online']);
    expect(periodsOf([], 0, 10)).toEqual([{ state: '', begin_ms: 0, end_ms: 10, reason: '' }]);
  });

  it('have shares of what is known', () => {
    const shares = sharesOf([
      { state: '', begin_ms: 0, end_ms: 500, reason: '' },
      ...periodsOf(events, 100, 300),
    ]);
    expect(Object.fromEntries(shares)).toEqual({ online: 0.5, suspect: 0.25, offline: 0.25 });
    expect([0, 0.00001, 0.5, 0.99999, 1].map(shareWords)).toEqual([
      '0 %',
      '0.01 %',
      '50.0 %',
      '99.99 %',
      '100 %',
    ]);
  });

  it('have marks at full hours', () => {
    const marks = marksOf(Date.UTC(2026, 0, 1, 0, 20), Date.UTC(2026, 0, 2, 0, 20), 8);
    expect(marks.length).toBeGreaterThan(5);
    expect(marks.length).toBeLessThan(10);
    expect(marks.every((at_ms) => at_ms % 900_000 === 0)).toBe(true);
  });
});

describe('throughput', () => {
  const samples = [
    { at_s: 1_010, stream_bytes: 1_000, link_bytes: 500 },
    { at_s: 1_030, stream_bytes: 3_000, link_bytes: 900 },
  ];
  const report = { replica: 'a', step_s: 10, samples };

  it('has no gaps, and is told per second', () => {
    expect(plotData(report, 1_003, 1_040)).toEqual({
      at_s: [1_000, 1_010, 1_020, 1_030],
      stream: [0, 100, 0, 300],
      link: [0, 50, 0, 90],
    });
    expect(plotData({ ...report, samples: [] }, 0, 0).at_s).toEqual([0]);
  });

  it('is added up for its table', () => {
    expect(throughputRows(report, 1_000, 1_040, 60)).toEqual([
      { begin_s: 960, end_s: 1_020, stream_bytes: 1_000, link_bytes: 500, peak_bytes_per_s: 100 },
      { begin_s: 1_020, end_s: 1_080, stream_bytes: 3_000, link_bytes: 900, peak_bytes_per_s: 300 },
    ]);
    expect(throughputRows(report, 1_020, 1_040, 60)).toHaveLength(1);
  });

  it('has an axis of round binary numbers that reaches the top', () => {
    for (const top of [1, 900, 5_000, 64e6, 3e9]) {
      const splits = axisSplits(top);
      expect(splits.at(-1)).toBeGreaterThanOrEqual(top);
      expect(splits.length).toBeLessThan(8);
    }
    expect(axisLabels([0, 50 * 1024 ** 2, 100 * 1024 ** 2])).toEqual(['0', '50 MiB/s', '100 MiB/s']);
  });
});

describe('the list of replicas', () => {
  const size = { replicas: 500, images: 20, transfers: 0 };
  const replicas = makeReplicas(size);
  const fleet = makeFleet(size);

  it('of 500 is filtered and put in order within a frame or two', () => {
    const began_ms = performance.now();
    const rows = replicaRows(replicas, fleet, { text: 'ber-', state: '', order: 'lag' });
    expect(performance.now() - began_ms).toBeLessThan(100);
    expect(rows).toHaveLength(100);
    const failed = rows.map(({ lag }) => Math.sign(lag?.failed ?? 0));
    expect(failed).toEqual(failed.toSorted((one, other) => other - one));
  });

  it('shows what needs a look first', () => {
    const rows = replicaRows(replicas, fleet, { text: '', state: '', order: 'state' });
    expect(rows[0]?.replica.state).toBe('offline');
    expect(rows.at(-1)?.replica.state).toBe('online');
    expect(stateCounts(replicas).reduce((sum, { count }) => sum + count, 0)).toBe(500);
    expect(
      replicaRows(replicas, undefined, { text: '', state: 'offline', order: 'name' }).every(
        ({ lag }) => lag === undefined,
      ),
    ).toBe(true);
  });

  it('says how far one is behind', () => {
    expect(words(copy('in_sync'), copy('in_sync'))).toBe('all 2 in sync');
    expect(words(copy('failed', 40))).toBe('1 failed, behind by up to 40 s');
    expect(words(copy('failed', 40), copy('behind', 60), copy('in_sync'))).toBe(
      '1 failed, 1 of 3 behind by up to 60 s',
    );
    expect(words(copy('unknown'))).toBe('not known yet');
    expect(words()).toBe('');
  });
});

describe('snapshots', () => {
  it('are told with who has and who lacks them, the newest first', () => {
    const snapshots = makeSnapshots('debian-12').slice(0, 3);
    const [old, middle, newest] = snapshots.map(({ number }) => number);
    const rows = snapshotRows(snapshots, [
      held('a', middle),
      held('b', newest, 'in_sync'),
      held('c', '', 'empty'),
      held('d', '', 'unknown'),
    ]);
    expect(
      rows.map(({ snapshot, newest_on, lacking_on }) => [snapshot.number, newest_on, lacking_on]),
    ).toEqual([
      [newest, ['b'], ['a', 'c']],
      [middle, ['a'], ['c']],
      [old, [], ['c']],
    ]);
  });

  it('say who needs them', () => {
    const need = {
      number: '4',
      kind: 'base',
      node: 'berlin',
      transfer: '',
      since_ms: 0,
      otherwise: '',
    } as const;
    expect(needWords(need)).toMatch(/the next increment to berlin builds on it.*a full one/);
    expect(needWords({ ...need, kind: 'parent', transfer: '1-a' })).toBe(
      'transfer 1-a to berlin builds on it',
    );
  });
});

describe('charts', () => {
  it('have in the page the rules that they have elsewhere', () => {
    const file = readFileSync(new URL('../../../src/web/chart/diagram.css', import.meta.url), 'utf8');
    expect(squeezed(file)).toBe(squeezed(pageDiagramCss()));
  });

  it('are as large as can be read', () => {
    expect(fitZoom(1_000, 800)).toBe(0.8);
    expect(fitZoom(1_000, 300)).toBe(0.68);
    expect(fitZoom(400, 800)).toBe(1);
    expect(nextZoom(zoom_max, 1)).toBe(zoom_max);
    expect(nextZoom(zoom_min, -1)).toBe(zoom_min);
    expect(nextZoom(1, 1)).toBe(1.25);
  });
});
