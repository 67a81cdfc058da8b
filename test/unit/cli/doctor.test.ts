import { afterEach, expect, test } from 'vitest';
import { exit_codes } from '../../../src/cli/exit_codes.js';
import { renderDoctor } from '../../../src/cli/render/doctor.js';
import type { DoctorReport, LeftoverReport } from '../../../src/core/doctor_report.js';
import { run } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { noon_ms } from './samples.js';

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

const part: LeftoverReport = {
  image: 'vm1',
  name: '.icbdrep-part-9-abcd.1.0.0',
  path: '/srv/vm1/.icbdrep-part-9-abcd.1.0.0',
  is_complete: true,
  is_removable: true,
  reason: 'this node does not know the transfer 9-abcd',
};
const unknown: LeftoverReport = {
  ...part,
  name: '.icbdrep-x',
  path: '/srv/vm1/.icbdrep-x',
  is_removable: false,
};

const well: DoctorReport = {
  is_running: true,
  node: 'r1',
  role: 'replica',
  checks: [
    { name: 'daemon', status: 'ok', text: 'r1 answers', hint: '' },
    { name: 'free space', status: 'warn', text: '1 MiB', hint: 'delete something' },
  ],
  leftovers: [],
};
const unwell: DoctorReport = {
  ...well,
  checks: [
    ...well.checks,
    { name: 'hidden subvolumes', status: 'fail', text: 'nobody wants it', hint: '--fix' },
  ],
  leftovers: [part, unknown],
};

/** Unwell until something is removed. */
async function start(): Promise<FakeDaemon> {
  let report = unwell;
  daemon = await startFakeDaemon(({ method, path }) => {
    if (path === '/v1/doctor') return report;
    expect([method, path]).toEqual(['POST', '/v1/doctor/remove']);
    report = well;
    return [{ image: 'vm1', name: part.name, is_removed: true, reason: '' }];
  });
  return daemon;
}

test('warnings are told, and are no failure', async () => {
  daemon = await startFakeDaemon(() => well);
  expect(await run(daemon.socket, ['doctor'])).toEqual({
    code: 0,
    out: 'ok    daemon: r1 answers\nwarn  free space: 1 MiB\n      hint: delete something\n1 warning\n',
    err: '',
  });
});

test('a check that failed is exit code 1; without --fix nothing is removed', async () => {
  const { socket, requests } = await start();
  const text = await run(socket, ['doctor']);
  expect(text.code).toBe(exit_codes.unwell);
  expect(text.out).toContain(`  ${part.path}: ${part.reason}, a whole part that is no checkpoint\n`);
  expect(text.out).toContain(
    `  ${unknown.path}: ${unknown.reason}, a whole part that is no checkpoint; left alone\n`,
  );
  expect(text.out).toContain('1 check failed, 1 warning\n');
  const json = await run(socket, ['doctor', '--json']);
  expect([json.code, JSON.parse(json.out)]).toEqual([1, unwell]);
  expect(requests.every(({ method }) => method === 'GET')).toBe(true);
});

test.each([
  ['yes', ['--fix'], 'y', true],
  ['yes, before it was asked', ['--fix', '--yes'], undefined, true],
  ['no', ['--fix'], 'n', false],
  ['nothing', ['--fix'], '', false],
])('--fix removes what can be removed if the answer is %s', async (_name, flags, answer, is_removed) => {
  const { socket, requests } = await start();
  const { code, err } = await run(socket, ['doctor', ...flags], answer === undefined ? {} : { answer });
  expect(code).toBe(is_removed ? 0 : 1);
  expect(err).toContain(`${part.path}: ${part.reason}`);
  expect(err).not.toContain(unknown.path);
  expect(err.includes('remove it? [y/N]')).toBe(answer !== undefined);
  const removals = requests.filter(({ method }) => method === 'POST');
  expect(removals.map(({ body }) => body)).toEqual(is_removed ? [{ image: 'vm1', names: [part.name] }] : []);
  expect(err.includes(`vm1/${part.name}: removed\n`)).toBe(is_removed);
});

test('--fix without a terminal and without --yes removes nothing', async () => {
  const { socket, requests } = await start();
  const { code, out, err } = await run(socket, ['doctor', '--fix']);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('hint: give --yes too');
  expect(requests).toHaveLength(1);
});

test('nothing wrong is said in words, and text of others obeys no terminal', () => {
  const view = { now_ms: noon_ms, columns: null, color: false };
  expect(renderDoctor({ ...well, checks: well.checks.slice(0, 1) }, view)).toBe(
    'ok    daemon: r1 answers\nnothing is wrong\n',
  );
  const evil = { name: 'x', status: 'fail', text: '\u001b[31m', hint: '\u001b[2J' } as const;
  expect(renderDoctor({ ...well, checks: [evil] }, view)).not.toContain('\u001b');
});
