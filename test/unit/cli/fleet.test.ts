/** `icbdrep fleet`. */
import { afterEach, describe, expect, test } from 'vitest';
import { chooseFromFleet, renderFleet } from '../../../src/cli/render/fleet.js';
import { widthOf } from '../../../src/cli/render/text.js';
import type { View } from '../../../src/cli/render/view.js';
import type { CopyReport, FleetReport } from '../../../src/core/fleet_report.js';
import { run } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { noon_ms } from './samples.js';

const view: View = { now_ms: noon_ms, columns: 80, color: false };

const copy = (image: string, replica: string, more: Partial<CopyReport> = {}): CopyReport => ({
  image,
  replica,
  state: 'in_sync',
  is_online: true,
  newest: '7',
  snapshots_behind: 0,
  lag_s: 0,
  transfers: [],
  failed_transfer: '',
  known_at_ms: noon_ms,
  ...more,
});

const fleet: FleetReport = {
  at_ms: noon_ms,
  images: [
    { name: 'mail', newest: '7', snapshot_count: 7, newest_at_ms: noon_ms },
    { name: 'web', newest: '9', snapshot_count: 2, newest_at_ms: noon_ms },
  ],
  replicas: [
    { name: 'r1', node_id: 1, state: 'online' },
    { name: 'r2', node_id: 2, state: 'offline' },
  ],
  copies: [
    copy('mail', 'r1'),
    copy('mail', 'r2', {
      state: 'behind',
      is_online: false,
      newest: '5',
      snapshots_behind: 2,
      lag_s: 11_040,
    }),
    copy('web', 'r1', { state: 'failed', snapshots_behind: 1, lag_s: 60, failed_transfer: '17-3fa9' }),
    copy('web', 'r2', { state: 'unknown', is_online: false, newest: '', known_at_ms: null }),
  ],
};

/** So many replicas that no table fits. */
function large(replicas: number): FleetReport {
  const names = Array.from({ length: replicas }, (_, index) => `replica${index}`);
  return {
    ...fleet,
    replicas: names.map((name, index) => ({ name, node_id: index, state: 'online' })),
    copies: names.flatMap((name, index) => [
      copy('mail', name),
      index % 100 === 0
        ? copy('web', name, { state: 'behind', snapshots_behind: index + 1, lag_s: index })
        : copy('web', name),
    ]),
  };
}

let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

test('a few replicas: a table of 80 columns, with symbols and words', () => {
  const text = renderFleet(fleet, view);
  const lines = text.trimEnd().split('\n');
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(80);
  expect(lines[0]).toMatch(/^IMAGE +NEWEST +r1 +r2 \(offline\)$/);
  expect(lines[1]).toMatch(/^mail +7 +✓ in sync +↓ 2 behind, 3 h 4 min \(offline\)$/);
  expect(lines[2]).toMatch(/^web +9 +✗ failed, 1 behind, 1 min +\? unknown \(offline\)$/);
  expect(text).toContain('✓ 1 in sync, ? 1 unknown, ↓ 1 behind, ✗ 1 failed; the longest lag is 3 h 4 min');
  expect(text).toContain('icbdrep transfer show 17-3fa9');
  expect(text).toContain('offline: r2, heard of now; what they hold may be another now');
});

test('many replicas: a list of what is not in sync, the longest lag first', () => {
  const lines = renderFleet(large(500), view).trimEnd().split('\n');
  expect(lines).toHaveLength(1 + 5 + 1);
  expect(lines[1]).toMatch(/^web +replica400 +↓ 401 behind, 6 min 40 s +has 7$/);
  expect(lines.at(-1)).toBe('✓ 995 in sync, ↓ 5 behind; the longest lag is 6 min 40 s');
});

test('colour only repeats what the words say', () => {
  const coloured = renderFleet(fleet, { ...view, color: true });
  expect(coloured).toContain('\u001b[32m');
  expect(coloured.replaceAll(/\p{Cc}\[\d+m/gu, '').replaceAll(/ +$/gm, '')).toBe(renderFleet(fleet, view));
});

describe('a part of it', () => {
  test.each<[what: string, choice: Parameters<typeof chooseFromFleet>[1], copies: number, images: number]>([
    ['one image', { image: 'web' }, 2, 1],
    ['one replica by its number', { replica: '1' }, 2, 2],
    ['what is not in sync', { behind: true }, 3, 2],
    ['what is not in sync on one replica', { behind: true, replica: 'r1' }, 1, 1],
    ['a replica that is not there', { replica: 'r9' }, 0, 2],
  ])('%s', (_what, choice, copies, images) => {
    const chosen = chooseFromFleet(fleet, choice);
    expect(chosen.copies).toHaveLength(copies);
    expect(chosen.images).toHaveLength(images);
    expect(renderFleet(chosen, view)).not.toBe('');
  });

  test('nothing to show says what to do', () => {
    expect(renderFleet(chooseFromFleet(fleet, { replica: 'r9' }), view)).toContain('icbdrep replicas');
    expect(renderFleet(chooseFromFleet(fleet, { image: 'none' }), view)).toContain('icbdrep images');
  });
});

test('the command asks for it once, and --json gives what was chosen', async () => {
  daemon = await startFakeDaemon(() => fleet);
  const people = await run(daemon.socket, ['fleet', '--replica', 'r1']);
  expect(people).toMatchObject({ code: 0, err: '' });
  expect(people.out).toContain('✗ failed');
  const script = await run(daemon.socket, ['fleet', '--behind', '--json']);
  expect((JSON.parse(script.out) as FleetReport).copies).toHaveLength(3);
  expect(daemon.requests.map(({ path }) => path)).toEqual(['/v1/fleet', '/v1/fleet']);
});
