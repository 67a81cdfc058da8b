/** One transfer on one screen, and lists of them. */
import { expect, test } from 'vitest';
import { receptionMachine } from '../../../../src/actors/reception.js';
import { transferMachine } from '../../../../src/actors/transfer.js';
import { renderMore, renderTransfers } from '../../../../src/cli/render/lists.js';
import { widthOf } from '../../../../src/cli/render/text.js';
import { renderTransfer } from '../../../../src/cli/render/transfer.js';
import { describeNext, transfer_states } from '../../../../src/cli/render/transfer_states.js';
import { wrap } from '../../../../src/cli/render/wrap.js';
import type { View } from '../../../../src/cli/render/view.js';
import type { TransferReport } from '../../../../src/core/report.js';
import { completed, failed, half_done, noon_ms, stalled, transferSample } from '../samples.js';

const plain: View = { now_ms: noon_ms + 61_500, columns: null, color: false };
const narrow: View = { ...plain, columns: 80 };
const mebibyte = 1024 * 1024;

const verbs: TransferReport['verbs'] = [
  { verb: 'pause', is_allowed: true, reason: '' },
  { verb: 'resume', is_allowed: false, reason: 'it is not paused' },
  { verb: 'retry-now', is_allowed: true, reason: '' },
  { verb: 'cancel', is_allowed: true, reason: '' },
  { verb: 'redrive', is_allowed: false, reason: 'it is under way' },
  { verb: 'fork', is_allowed: true, reason: '' },
];

test('every state of the machines has words for what happens next', () => {
  const states = [...Object.keys(transferMachine.states), ...Object.keys(receptionMachine.states)];
  expect(transfer_states).toEqual(expect.arrayContaining(states));
  for (const state of transfer_states) {
    expect(describeNext(transferSample({ state }), noon_ms), state).not.toBe('');
  }
});

test('a state that only a newer daemon knows is shown as that daemon describes it', () => {
  const strange = transferSample({ state: 'teleporting', state_description: 'beams it over' });
  expect(renderTransfer(strange, plain)).toMatch(/state +teleporting: beams it over\n/);
  expect(renderTransfer(strange, plain)).toMatch(/next +beams it over\n/);
  expect(renderTransfers([strange], plain)).toContain('teleporting');
});

test('what, from where to where, and what can be done with it now', () => {
  const text = renderTransfer({ ...half_done, verbs }, plain);
  expect(text).toMatch(/^transfer +4f2a9c: snapshot vm1\/3 from hub to replica1\n/);
  expect(text).toMatch(/you can +icbdrep transfer pause 4f2a9c, icbdrep transfer retry-now 4f2a9c\n/);
  expect(text).toMatch(/\n +icbdrep transfer cancel 4f2a9c, icbdrep transfer fork 4f2a9c\n/);
  expect(text).not.toContain('redrive');
  const all = renderTransfer({ ...half_done, verbs }, plain, { all: true });
  expect(all).toMatch(/not now +resume: it is not paused\n +redrive: it is under way\n/);
});

test('what failed, why, and what to do', () => {
  const text = renderTransfer(failed, plain);
  expect(text).toMatch(/state +failed: trying again cannot help/);
  expect(text).toMatch(/last error +no byte moved for 120 s \[Stalled\] during transfer of vm1\/3/);
  expect(text).toMatch(/hint +look at disk and network of both nodes/);
  expect(text).toMatch(/next +nothing by itself; when the cause is mended: icbdrep transfer redrive 77aa/);
  expect(text).toMatch(/attempts +20, the last since .* \(1 min 2 s ago\), 20 failed in a row/);
  expect(text).toMatch(/last change .*\(1 min ago\)/);
});

test('when it tries again, and what else it waits for', () => {
  const due_at_ms = plain.now_ms + 12_000;
  const timers = [
    { timer: 'backoff', meaning: 'it tries again', due_at_ms },
    { timer: 'other', meaning: 'it looks around', due_at_ms: due_at_ms + 60_000 },
  ];
  const resting = transferSample({ state: 'resting', last_error: stalled, next_at_ms: due_at_ms, timers });
  expect(renderTransfer(resting, plain)).toMatch(/next +it tries again by itself at .*\(in 12 s\)\n/);
  expect(renderTransfer(resting, plain)).toMatch(/\n +.* \(in 1 min 12 s\): it looks around\n/);
  expect(renderTransfers([resting], plain)).toContain('tries again in 12 s: no byte moved');
  const offering = transferSample({
    state: 'offering',
    next_at_ms: due_at_ms,
    timers: [{ timer: 'offer_timeout', meaning: 'it waits no longer', due_at_ms }],
  });
  expect(renderTransfer(offering, plain)).toMatch(/if that has not happened by .*: it waits no longer\n/);
  const scheduled = transferSample({ state: 'scheduled', next_at_ms: due_at_ms });
  expect(renderTransfer(scheduled, plain)).toMatch(/next +it is run again at its time at .*\(in 12 s\)/);
  expect(renderTransfer(transferSample({ state: 'paused' }), plain)).toContain(
    'icbdrep transfer resume 4f2a9c',
  );
});

test('progress, checkpoint, parent and result', () => {
  const text = renderTransfer(half_done, plain);
  expect(text).toMatch(/progress +━{10}─{10} {2}50.0 MiB of 100.0 MiB, 50 %, 10.0 MiB\/s\n/);
  expect(text).toMatch(/\n +ready in about 5 s, 25.0 MiB on the link\n/);
  expect(text).toMatch(
    /checkpoint +40.0 MiB on the disk of replica1 at .* \(1 min 1 s ago\); 8.0 MiB more are taken and not yet safe/,
  );
  expect(text).toMatch(/parent +2, sent as an increment: newest older snapshot/);
  expect(text).toMatch(/stream +version 2, codec lz4/);
  expect(renderTransfer(completed, plain)).toMatch(/result +100.0 MiB in 1.5 s.*hash 00ff \(XXH3\)/);
  expect(renderTransfer({ ...completed, already_there: true }, plain)).toContain('held the snapshot before');
  expect(renderTransfer(transferSample({ parent: null }), plain)).toContain('none, sent in full');
  expect(renderTransfer(transferSample({ parked_reason: 'it threw' }), plain)).toMatch(/state +parked/);
  const forked = transferSample({ forked_from: { transfer: '3-3fa9', seq: 7 } });
  expect(renderTransfer(forked, plain)).toMatch(/forked from +3-3fa9, after its event 7/);
});

test('where it stood when bytes moved last, while they do not move', () => {
  const disconnected = transferSample({
    state: 'disconnected',
    link_losses: 2,
    resumed_bytes: 7 * mebibyte,
    checkpoint_bytes: 40 * mebibyte,
    checkpoint_at_ms: noon_ms,
    last_progress: half_done.progress,
  });
  const text = renderTransfer(disconnected, plain);
  expect(text).toMatch(
    /progress +50.0 MiB of 100.0 MiB, 50 %, went on at 7.0 MiB when bytes moved last, at .* \(1 min ago\)/,
  );
  expect(text).toMatch(/checkpoint +at least 40.0 MiB on the disk of replica1/);
  expect(text).toContain('the link was lost 2 times while it sent');
});

test('all of it fits on a screen of 80 by 24', () => {
  const full = transferSample({
    id: '12345-3fa9',
    state: 'resting',
    state_description: 'something failed; tries again after a while',
    attempt: 3,
    failures: 2,
    link_losses: 4,
    resumed_bytes: 7 * mebibyte,
    checkpoint_bytes: 40 * mebibyte,
    checkpoint_at_ms: noon_ms,
    last_progress: half_done.progress,
    last_error: stalled,
    forked_from: { transfer: '3-3fa9', seq: 7 },
    next_at_ms: noon_ms + 90_000,
    timers: [{ timer: 'backoff', meaning: 'it tries again', due_at_ms: noon_ms + 90_000 }],
    verbs,
  });
  const lines = renderTransfer(full, narrow).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(24);
  for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(80);
});

test('lines are broken between words, and words only if they must be', () => {
  expect(wrap('a b', null)).toEqual(['a b']);
  expect(wrap('one two three four five', 16)).toEqual(['one two three', 'four five']);
  expect(wrap(`short ${'x'.repeat(20)} end`, 16)).toEqual(['short', 'x'.repeat(16), 'xxxx end']);
});

test('a list says that there is more', () => {
  expect(renderMore({ offset: 0, shown: 5, total: 5 }, plain)).toBe('');
  expect(renderMore({ offset: 0, shown: 5, total: 12 }, plain)).toBe(
    '1 to 5 of 12 shown; the next ones: --offset 5\n',
  );
  expect(renderMore({ offset: 10, shown: 2, total: 12 }, plain)).toBe('11 to 12 of 12 shown\n');
  expect(renderMore({ offset: 20, shown: 0, total: 12 }, plain)).toBe('none of 12 shown\n');
});
