import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import type { TransferReport } from '../../../src/core/report.js';
import { type FakeContext, type FakeContextOptions, fakeContext } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { completed, failed, half_done, transferSample } from './samples.js';

let daemon: FakeDaemon | undefined;

afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

/** A daemon whose transfer is in the next of `states` each time it is asked for; it stays in the last. */
async function startStepping(...states: TransferReport[]): Promise<FakeDaemon> {
  let step = 0;
  daemon = await startFakeDaemon(({ method }) => {
    if (method === 'POST') return [states[0]];
    step = Math.min(step + 1, states.length - 1);
    return states[step];
  });
  return daemon;
}

function send(socket: string, context: FakeContext, ...more: string[]): Promise<number> {
  const argv = ['send', 'vm1', '3', '--to', 'replica1', '--wait', '--socket', socket];
  return runCli([...argv, ...more], context);
}

const queued = transferSample({ state: 'queued' });
const fast: FakeContextOptions = { speed: 20 };

test('a line for each change on stderr, the end on stdout, exit code 0 when all are completed', async () => {
  const { socket } = await startStepping(queued, half_done, half_done, completed);
  const context = fakeContext(fast);
  expect(await send(socket, context)).toBe(0);
  expect(context.printed.err.split('\n')).toEqual([
    'vm1/3 to replica1  queued',
    'vm1/3 to replica1  sending    50.0 MiB of 100.0 MiB, 50 %, 10.0 MiB/s, ETA 5 s',
    'vm1/3 to replica1  completed    100.0 MiB',
    '',
  ]);
  expect(context.printed.out).toMatch(/^ID .*\n4f2a9c .* completed .*\n$/);
  expect(context.caught()).toBe(0);
});

test('a state that lasts is told again every few seconds', async () => {
  const { socket } = await startStepping(...Array.from({ length: 14 }, () => half_done), completed);
  const context = fakeContext(fast);
  expect(await send(socket, context)).toBe(0);
  const lines = context.printed.err.split('\n').filter((line) => line.includes('sending'));
  expect(lines.length).toBeGreaterThanOrEqual(2);
  expect(lines.length).toBeLessThan(8);
});

test.each([
  ['failed', failed],
  ['cancelled', transferSample({ state: 'cancelled', settled: true })],
  ['parked', transferSample({ parked_reason: 'the machine threw' })],
])('exit code 20 when one is %s; the answer is printed all the same', async (_name, end) => {
  const { socket } = await startStepping(half_done, end);
  const context = fakeContext(fast);
  expect(await send(socket, context, '--json')).toBe(20);
  expect(JSON.parse(context.printed.out)).toEqual([end]);
});

test('on a terminal the lines are drawn again in place, and cut at its width', async () => {
  const { socket } = await startStepping(queued, half_done, completed);
  const context = fakeContext({ ...fast, columns: 60, env: { NO_COLOR: '1' } });
  expect(await send(socket, context)).toBe(0);
  expect(context.printed.err).toContain('\u001b[1A\u001b[0J');
  expect(context.printed.err).toContain('━━━━━━━━━━──────────');
  const { err } = context.printed;
  for (const line of err.replaceAll('\u001b[1A\u001b[0J', '').split('\n')) {
    expect(line.length).toBeLessThanOrEqual(60);
    expect(line).not.toContain('\u001b');
  }
});

test('Ctrl-C ends the waiting, not the transfers', async () => {
  const { socket, requests } = await startStepping(half_done);
  const context = fakeContext();
  const ended = send(socket, context);
  while (requests.length < 2) await sleep(10);
  context.interrupt();
  expect(await ended).toBe(130);
  expect(context.printed.out).toBe('');
  expect(context.printed.err).toContain(
    'waits no longer; the daemon goes on with 1 transfer: icbdrep transfers\n',
  );
  expect(requests.some(({ path }) => path.endsWith('/cancel'))).toBe(false);
});

test('a daemon that is restarted meanwhile is waited for', async () => {
  const daemon = await startStepping(half_done, half_done, completed);
  const context = fakeContext();
  const ended = send(daemon.socket, context);
  while (daemon.requests.length < 1) await sleep(10);
  await daemon.stop();
  while (!context.printed.err.includes('waits up to 60 s')) await sleep(10);
  await daemon.start();
  expect(await ended).toBe(0);
  expect(context.printed.err).toContain('the daemon is back\n');
  expect(context.printed.out).toContain('completed');
});

test('a daemon that does not come back is given up after 60 s', async () => {
  const daemon = await startStepping(half_done);
  const context = fakeContext({ speed: 200 });
  const ended = send(daemon.socket, context);
  while (daemon.requests.length < 1) await sleep(1);
  await daemon.stop();
  const started_ms = context.clock.now();
  expect(await ended).toBe(15);
  expect(context.clock.now() - started_ms).toBeGreaterThan(55_000);
  expect(context.printed.out).toBe('');
  expect(context.printed.err.trimEnd().split('\n').at(-2)).toContain('[DaemonNotRunning]');
});
