import { expect, test } from 'vitest';
import { describeProgress, renderBar } from '../../../../src/cli/render/progress.js';
import { renderStatus } from '../../../../src/cli/render/status.js';
import { renderFields, renderTable } from '../../../../src/cli/render/table.js';
import { cut, pad, printable, widthOf } from '../../../../src/cli/render/text.js';
import {
  formatBytes,
  formatDuration,
  formatOffset,
  formatPercent,
  formatRelative,
  formatTime,
  formatTimeOfDay,
} from '../../../../src/cli/render/units.js';
import type { View } from '../../../../src/cli/render/view.js';
import { completed, half_done, noon_ms, stalled, status_sample, transferSample } from '../samples.js';

const plain: View = { now_ms: noon_ms + 61_500, columns: null, color: false };

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1.0 MiB'],
  [300.2 * 1024 ** 2, '300.2 MiB'],
  [5 * 1024 ** 5, '5.0 PiB'],
  [5000 * 1024 ** 5, '5000.0 PiB'],
])('%d bytes', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [-5, '0 ms'],
  [999.4, '999 ms'],
  [1_000, '1.0 s'],
  [9_949, '9.9 s'],
  [9_950, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [185_000, '3 min 5 s'],
  [7_440_000, '2 h 4 min'],
  [86_400_000, '1 d'],
  [90_000_000, '1 d 1 h'],
])('%d ms', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('times are local, with their offset', () => {
  const at_ms = new Date(2026, 2, 1, 14, 5, 9, 7).getTime();
  expect(formatTimeOfDay(at_ms)).toBe('14:05:09.007');
  expect(formatTime(at_ms)).toBe(`2026-03-01 14:05:09 ${formatOffset(at_ms)}`);
  expect(Date.parse(formatTime(at_ms).replace(' ', 'T').replace(' ', ''))).toBe(at_ms - 7);
  expect(formatRelative(noon_ms, noon_ms + 999)).toBe('now');
  expect(formatRelative(noon_ms, noon_ms + 90_000)).toBe('1 min 30 s ago');
  expect(formatRelative(noon_ms + 2_000, noon_ms)).toBe('in 2.0 s');
});

test('what a peer sends cannot move the cursor', () => {
  expect(printable('a\u001b[2Jb\r\nc\td\u0007\u009b')).toBe('a\\x1b[2Jb c d\\x07\\x9b');
});

test('widths are those of a terminal', () => {
  expect(widthOf('vm1')).toBe(3);
  expect(widthOf('é')).toBe(1);
  expect(widthOf('e\u0301')).toBe(1);
  expect(widthOf('映像')).toBe(4);
  expect(cut('映像の', 5)).toBe('映像…');
  expect(cut('abc', 3)).toBe('abc');
  expect(cut('abcd', 3)).toBe('ab…');
  expect(cut('abcd', 0)).toBe('');
  expect(pad('映', 4, 'right')).toBe('  映');
});

test('a table aligns, and is cut only at a width', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' as const }, { title: 'NOTE' }];
  const rows = [
    ['映像', '7', 'x'],
    ['b', '100', { text: 'a long\nnote', style: 'red' as const }],
  ];
  expect(renderTable(columns, rows, plain)).toBe('NAME    N  NOTE\n映像    7  x\nb     100  a long note\n');
  const narrow = renderTable(columns, rows, { ...plain, columns: 15, color: true });
  // oxlint-disable-next-line no-control-regex
  const without_styles = narrow.replaceAll(/\u001b\[\d+m/g, '');
  expect(without_styles.split('\n').map((line) => widthOf(line))).toEqual([15, 12, 15, 0]);
  expect(narrow).toContain('\u001b[31m');
  expect(
    renderFields(
      [
        ['a', '1'],
        ['none', ''],
        ['long', '2'],
      ],
      plain,
    ),
  ).toBe('a     1\nlong  2\n');
});

test('progress says what is known, and nothing else', () => {
  const progress = {
    stream_bytes: 2048,
    link_bytes: 0,
    total_bytes: null,
    rate_bytes_per_s: 0,
    eta_s: null,
    taken_bytes: 0,
    checkpoint_bytes: null,
    checkpoint_at_ms: null,
    at_ms: noon_ms,
  };
  expect(describeProgress(transferSample({ progress }))).toBe('2.0 KiB');
  expect(describeProgress(half_done)).toBe('50.0 MiB of 100.0 MiB, 50 %, 10.0 MiB/s, ETA 5 s');
  expect(describeProgress(completed)).toBe('');
  expect(formatPercent(150, 100)).toBe('100 %');
  expect(renderBar(transferSample())).toBe('─'.repeat(20));
  expect(renderBar(completed)).toBe('━'.repeat(20));
});

test('status of a replica, and of one with parked actors', () => {
  const text = renderStatus(
    { ...status_sample, role: 'replica', is_linked: false, transfers_by_state: {} },
    plain,
  );
  expect(text).toMatch(/link +down/);
  expect(text).toMatch(/receptions +none/);
  const parked = [{ kind: 'image' as const, id: 'vm1', reason: 'it threw' }];
  expect(renderStatus({ ...status_sample, parked }, plain)).toMatch(
    /parked +image vm1: it threw\n1 actor parked/,
  );
});

test('status of a replica with an ssh tunnel', () => {
  const replica = { ...status_sample, role: 'replica' as const };
  const tunnel = {
    via: 'ssh://root@hub:22',
    target: '127.0.0.1:9410',
    state: 'up' as const,
    since_ms: noon_ms,
    restarts: 0,
    pid: 7,
    error: null,
  };
  expect(renderStatus({ ...replica, tunnel }, plain)).toMatch(/ssh tunnel +ssh:\/\/root@hub:22: up/);
  const failed = {
    ...tunnel,
    state: 'waiting' as const,
    error: { ...stalled, message: 'Permission denied' },
  };
  expect(renderStatus({ ...replica, tunnel: failed }, plain)).toMatch(/ssh tunnel .*: Permission denied/);
  expect(renderStatus({ ...replica, tunnel: null }, plain)).not.toContain('ssh');
});

test('status of a name server, and of a replica that does not know its master', () => {
  const text = renderStatus({ ...status_sample, role: 'nameserver', mountpoint: '', names: 7 }, plain);
  expect(text).toMatch(/names +7/);
  expect(text).not.toMatch(/mountpoint|images|transfers|receptions/);
  const lost = renderStatus({ ...status_sample, role: 'replica', link_address: '', is_linked: false }, plain);
  expect(lost).toMatch(/master +not known yet/);
});
