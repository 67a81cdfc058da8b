import { afterEach, expect, test } from 'vitest';
import { describeDifference } from '../../../src/cli/render/verify.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { TreeDifference, VerifiedCopy, VerifyReport } from '../../../src/core/verify_report.js';
import { runCli } from '../../../src/cli/program.js';
import { fakeContext, run } from './fake_context.js';
import { type Answer, type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { noon_ms } from './samples.js';

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

const mebibyte = 1024 * 1024;

function copySample(changes: Partial<VerifiedCopy> = {}): VerifiedCopy {
  return {
    node: 'r1',
    phase: 'done',
    entries: 7,
    bytes: 4 * mebibyte,
    total_bytes: 4 * mebibyte,
    rate_bytes_per_s: 0,
    state: 'equal',
    differences: [],
    more: false,
    error: null,
    ...changes,
  };
}

function reportSample(changes: Partial<VerifyReport> = {}): VerifyReport {
  const { state: _, differences: __, more: ___, error: ____, ...master } = copySample({ node: 'master' });
  return {
    id: 'abc123',
    image: 'vm1',
    number: '3',
    state: 'finished',
    master,
    copies: [copySample()],
    skipped: [],
    error: null,
    started_at_ms: noon_ms,
    ended_at_ms: noon_ms + 2_000,
    ...changes,
  };
}

function difference(changes: Partial<TreeDifference>): TreeDifference {
  return { path: 'etc/x', path_base64: '', what: 'mode', master: '0644', copy: '0600', ...changes };
}

const half = { phase: 'hashing', bytes: 2 * mebibyte, rate_bytes_per_s: mebibyte } as const;
const running = reportSample({
  state: 'running',
  ended_at_ms: null,
  copies: [copySample({ ...half, state: 'hashing' })],
});

/** Answers the first question, and then one after another. */
function inTurn(...answers: unknown[]): Answer {
  let index = -1;
  return () => answers[Math.min((index += 1), answers.length - 1)];
}

test('waits for the end, and tells it: exit code 0 if all copies are equal', async () => {
  daemon = await startFakeDaemon(inTurn(running, running, reportSample()));
  const ran = await run(daemon.socket, ['snapshot', 'verify', 'vm1', '3', '--node', 'r1'], { speed: 50 });
  expect(ran).toEqual({ code: 0, out: 'snapshot vm1/3: 7 entries, 4.0 MiB, in 2.0 s\nr1: equal\n', err: '' });
  expect(daemon.requests.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/v1/images/vm1/snapshots/3/verify', { node: 'r1' }],
    ['GET', '/v1/verifications/abc123', undefined],
    ['GET', '/v1/verifications/abc123', undefined],
  ]);
});

test('shows how far it is on a terminal, and in lines elsewhere', async () => {
  daemon = await startFakeDaemon(inTurn(running, reportSample()));
  const argv = ['snapshot', 'verify', 'vm1', '3'];
  const shown = await run(daemon.socket, argv, { columns: 120, speed: 50 });
  expect(shown.err).toContain('master done; r1 hashing 2.0 MiB of 4.0 MiB, 50 %, 1.0 MiB/s');
  expect(shown.err.endsWith('\r\u001b[2K')).toBe(true);
  await daemon.dispose();

  daemon = await startFakeDaemon(inTurn(...Array.from({ length: 40 }, () => running), reportSample()));
  const logged = await run(daemon.socket, argv, { speed: 2_000 });
  expect(logged.err).toMatch(/^master done; r1 hashing .*\n/);
});

test.each([
  ['different', copySample({ state: 'different', differences: [difference({})], more: true })],
  [
    'missing',
    copySample({
      state: 'missing',
      error: new IcbdError('SnapshotNotFound', 'none', { operation: 'x' }).toReport(),
    }),
  ],
  [
    'failed',
    copySample({
      state: 'failed',
      error: new IcbdError('LinkLost', 'gone', { operation: 'x', hint: 'wait' }).toReport(),
    }),
  ],
] as const)('a copy that is %s ends with exit code 1', async (state, copy) => {
  const report = reportSample({
    copies: [copySample({ node: 'r2' }), copy],
    skipped: [{ node: 'r3', reason: 'it is offline' }],
  });
  daemon = await startFakeDaemon(() => report);
  const text = await run(daemon.socket, ['snapshot', 'verify', 'vm1', '3']);
  expect(text.code).toBe(1);
  expect(text.out).toContain(`r1: ${state}: `);
  expect(text.out).toContain('r2: equal\n');
  expect(text.out).toContain('r3: left out: it is offline\n');
  const json = await run(daemon.socket, ['snapshot', 'verify', 'vm1', '3', '--json']);
  expect([json.code, JSON.parse(json.out)]).toEqual([1, report]);
});

test('what failed as a whole is an error with its own exit code', async () => {
  const error = new IcbdError('SnapshotNotFound', 'it went away', {
    operation: 'verify snapshot',
  }).toReport();
  daemon = await startFakeDaemon(() => reportSample({ state: 'failed', error }));
  expect(await run(daemon.socket, ['snapshot', 'verify', 'vm1', '3'])).toEqual({
    code: 10,
    out: '',
    err: 'icbdrep: it went away [SnapshotNotFound]\n',
  });
});

test('Ctrl-C ends the comparison in the daemon too', async () => {
  daemon = await startFakeDaemon(() => running);
  const context = fakeContext();
  const ended = runCli(['snapshot', 'verify', 'vm1', '3', '--socket', daemon.socket], context);
  while (context.caught() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  context.interrupt();
  expect(await ended).toBe(130);
  expect(daemon.requests.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/verifications/abc123' });
  expect(context.caught()).toBe(0);
});

test.each([
  [difference({}), 'etc/x: mode differs: 0644 on the master, 0600 on the copy'],
  [difference({ what: 'missing', master: 'file' }), 'etc/x: missing on the copy (file)'],
  [difference({ what: 'extra', copy: 'fifo' }), 'etc/x: not on the master (fifo)'],
  [
    difference({ what: 'content', offset_bytes: 4096, master: 'a', copy: 'b' }),
    'etc/x: content differs from byte 4096: a on the master, b on the copy',
  ],
  [
    difference({ what: 'xattr', xattr: 'user.x' }),
    'etc/x: xattr user.x differs: 0644 on the master, 0600 on the copy',
  ],
  [difference({ what: 'unreadable', master: '', copy: 'EIO' }), 'etc/x: cannot be read on the copy: EIO'],
  [difference({ what: 'unreadable', master: 'EIO', copy: '' }), 'etc/x: cannot be read on the master: EIO'],
  [difference({ what: 'identity', path: '.' }), '.: identity differs: 0644 on the master, 0600 on the copy'],
  [difference({ master: '\u001b[31m' }), 'etc/x: mode differs: \\x1b[31m on the master, 0600 on the copy'],
])('%j reads: %s', (found, text) => {
  expect(describeDifference(found)).toBe(text);
});
