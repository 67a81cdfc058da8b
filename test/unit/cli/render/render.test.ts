import { expect, test } from 'vitest';
import { renderHistory } from '../../../../src/cli/render/history.js';
import { renderTransfers } from '../../../../src/cli/render/lists.js';
import { describeProgress, renderBar } from '../../../../src/cli/render/progress.js';
import { renderStatus } from '../../../../src/cli/render/status.js';
import { renderFields, renderTable } from '../../../../src/cli/render/table.js';
import { cut, pad, printable, widthOf } from '../../../../src/cli/render/text.js';
import { renderTransfer } from '../../../../src/cli/render/transfer.js';
import { describeNext, transfer_states } from '../../../../src/cli/render/transfer_states.js';
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
import { receptionMachine } from '../../../../src/actors/reception.js';
import { transferMachine } from '../../../../src/actors/transfer.js';
import {
  completed,
  failed,
  half_done,
  history_sample,
  noon_ms,
  stalled,
  status_sample,
  transferSample,
} from '../samples.js';

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
  const progress = { stream_bytes: 2048, link_bytes: 0, total_bytes: null, rate_bytes_per_s: 0, eta_s: null };
  expect(describeProgress(transferSample({ progress }))).toBe('2.0 KiB');
  expect(describeProgress(half_done)).toBe('50.0 MiB of 100.0 MiB, 50 %, 10.0 MiB/s, ETA 5 s');
  expect(describeProgress(completed)).toBe('');
  expect(formatPercent(150, 100)).toBe('100 %');
  expect(renderBar(transferSample())).toBe('─'.repeat(20));
  expect(renderBar(completed)).toBe('━'.repeat(20));
});

test('every state of the machines has words for what happens next', () => {
  const states = [...Object.keys(transferMachine.states), ...Object.keys(receptionMachine.states)];
  expect(new Set(transfer_states)).toEqual(new Set(states));
  for (const state of states) expect(describeNext(transferSample({ state }), noon_ms)).not.toBe('');
});

test('one transfer: what failed, why, and what to do', () => {
  const text = renderTransfer(failed, plain);
  expect(text).toMatch(/state +failed: trying again cannot help/);
  expect(text).toMatch(/last error +no byte moved for 120 s \[Stalled\]/);
  expect(text).toMatch(/during +transfer of vm1\/3/);
  expect(text).toMatch(/hint +look at disk and network of both nodes/);
  expect(text).toMatch(/next +nothing by itself; .*icbdrep send vm1 3 --to replica1/);
  expect(text).toMatch(/attempts +20, 20 failed in a row/);
  expect(text).toMatch(/last change .*\(1 min ago\)/);
});

test('one transfer: when it tries again', () => {
  const resting = transferSample({
    state: 'resting',
    last_error: stalled,
    next_at_ms: plain.now_ms + 12_000,
  });
  expect(renderTransfer(resting, plain)).toMatch(/next +it tries again by itself at .*\(in 12 s\)/);
  expect(renderTransfers([resting], plain)).toContain('tries again in 12 s: no byte moved');
  const offering = transferSample({ state: 'offering', next_at_ms: plain.now_ms + 12_000 });
  expect(renderTransfer(offering, plain)).toContain('if that has not happened by');
});

test('one transfer: progress, parent and result', () => {
  const text = renderTransfer(half_done, plain);
  expect(text).toMatch(/progress +━{10}─{10} {2}50.0 MiB of 100.0 MiB, .* \(25.0 MiB on the link\)/);
  expect(text).toMatch(/parent +2, sent as an increment: newest older snapshot/);
  expect(text).toMatch(/stream +version 2, codec lz4/);
  const resumed = transferSample({ resumed_bytes: 50 * 1024 * 1024, link_losses: 2, checkpoint_bytes: 1024 });
  expect(renderTransfer(resumed, plain)).toMatch(
    /resumption +went on at 50.0 MiB of the stream, the link was lost 2 times, 1.0 KiB are on disk/,
  );
  expect(renderTransfer(completed, plain)).toMatch(/result +100.0 MiB in 1.5 s/);
  expect(renderTransfer({ ...completed, already_there: true }, plain)).toContain('held the snapshot before');
  expect(renderTransfer(transferSample({ parent: null }), plain)).toContain('none, sent in full');
  expect(renderTransfer(transferSample({ parked_reason: 'it threw' }), plain)).toMatch(/state +parked/);
});

/** Time of day of the sample's history. */
function at(after_ms: number): string {
  return formatTimeOfDay(noon_ms + after_ms);
}

test('history: each step with time, delta, states and cause; attempts; what ran', () => {
  const lines = renderHistory(history_sample, plain)
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '  ').trim());
  expect(lines).toEqual([
    'transfer 4f2a9c, vm1/3 to replica1: completed, the replica holds the snapshot under its name',
    '#  TIME  DELTA  EVENT  STATE  CAUSE',
    `2026-03-01  ${formatOffset(noon_ms)}`,
    `0  ${at(0)}  created  queued  operator root`,
    'attempt 1',
    `1  ${at(7)}  +7 ms  slot.granted  queued -> planning  replica/replica1, its event 5`,
    `starts plan  stopped after 1.2 s at ${at(1_250)}: no longer wanted`,
    `2  ${at(1_250)}  +1.2 s  replica.offline  planning -> queued  replica/replica1, its event 6: the link was closed: 1006`,
    'attempt 2',
    `3  ${at(4_000)}  +2.8 s  slot.granted  queued -> planning  replica/replica1, its event 7`,
    `starts plan  failed after 100 ms at ${at(4_100)}: no byte moved for 120 s [Stalled]`,
    `4  ${at(4_100)}  +100 ms  plan.failed  planning -> resting  effect 4f2a9c:3:0: no byte moved for 120 s [Stalled]`,
    `5  ${at(5_000)}  +900 ms  backoff is over  resting -> queued  a timer`,
    `6  ${at(6_000)}  +1.0 s  reception.completed  queued -> completed  replica1 said so, message 12`,
    `7  ${at(7_000)}  +1.0 s  slot.granted  completed (ignored)  the daemon: start`,
    '',
  ]);
});

test('history of one that resumed: where it went on, what was on disk, and when it starts over', () => {
  const [first] = history_sample.events;
  if (first === undefined) throw new Error('the sample has no event');
  const mebibyte = 1024 * 1024;
  const events = [
    { type: 'send.begun', offset_bytes: 0, is_live: false },
    { type: 'send.begun', offset_bytes: 7 * mebibyte, is_live: true },
    { type: 'receive.checkpoint', checkpoint: { offset_bytes: 9 * mebibyte } },
  ].map((event, seq) => ({ ...first, event, seq, state: 'sending' }));
  const over = { ...first, event: { type: 'send.mismatch' }, seq: 3, state: 'starting_over' };
  const text = renderHistory({ ...history_sample, events: [...events, over], effects: [] }, plain);
  expect(text).toMatch(/send\.begun .*: from the beginning\n/);
  expect(text).toMatch(/send\.begun .*: goes on at 7\.0 MiB, and btrfs send still ran\n/);
  expect(text).toMatch(/receive\.checkpoint .*: 9\.0 MiB are on disk\n/);
  expect(text).toMatch(/attempt 1\n.*send\.mismatch +sending -> starting_over/);
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
