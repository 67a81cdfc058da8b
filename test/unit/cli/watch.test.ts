/** `transfer watch`, and the pages of `transfers`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import { eventsThatFit, renderWatched } from '../../../src/cli/render/watch.js';
import { widthOf } from '../../../src/cli/render/text.js';
import { IcbdError } from '../../../src/core/errors.js';
import type { TransferReport } from '../../../src/core/report.js';
import { type FakeContext, type FakeContextOptions, fakeContext, run } from './fake_context.js';
import { type FakeDaemon, startFakeDaemon } from './fake_daemon.js';
import { completed, failed, half_done, history_sample, noon_ms, transferSample } from './samples.js';

let daemon: FakeDaemon | undefined;
afterEach(async () => {
  await daemon?.dispose();
  daemon = undefined;
});

/** A daemon whose transfer is in the next of `states` each time it is asked for; it stays in the last. */
async function startStepping(...states: TransferReport[]): Promise<FakeDaemon> {
  let step = -1;
  daemon = await startFakeDaemon(({ path }) => {
    step = Math.min(step + 1, states.length - 1);
    const transfer = states[step];
    return path.includes('/history') ? { ...history_sample, transfer } : transfer;
  });
  return daemon;
}

const queued = transferSample({ state: 'queued' });
const fast: FakeContextOptions = { speed: 20 };

function watch(socket: string, context: FakeContext, ...more: string[]): Promise<number> {
  return runCli(['transfer', 'watch', '4f2a', ...more, '--socket', socket], context);
}

test('where nothing is redrawn: a line for each change; exit code 0 when it is completed', async () => {
  const { socket, requests } = await startStepping(queued, half_done, half_done, completed);
  const context = fakeContext(fast);
  expect(await watch(socket, context)).toBe(0);
  expect(context.printed.out.split('\n')).toEqual([
    'vm1/3 to replica1  queued',
    'vm1/3 to replica1  sending    50.0 MiB of 100.0 MiB, 50 %, 10.0 MiB/s, ETA 5 s',
    'vm1/3 to replica1  completed    100.0 MiB',
    '',
  ]);
  expect(context.printed.err).toBe('');
  expect(context.caught()).toBe(0);
  expect(requests.map(({ path }) => path)).toContain('/v1/transfers/4f2a9c');
});

test('a dumb terminal is no screen', async () => {
  const { socket } = await startStepping(queued, completed);
  const context = fakeContext({ ...fast, columns: 80, env: { TERM: 'dumb' } });
  expect(await watch(socket, context)).toBe(0);
  expect(context.printed.out).not.toContain('\u001b');
});

test('for scripts: a line of JSON for each change, and none for what stays', async () => {
  const { socket } = await startStepping(queued, half_done, half_done, failed);
  const context = fakeContext(fast);
  expect(await watch(socket, context, '--json', '--interval', '100ms')).toBe(20);
  const lines = context.printed.out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([queued, half_done, failed]);
});

test('on a screen: bar, events and what comes next, drawn again in place', async () => {
  const { socket, requests } = await startStepping(queued, half_done, completed);
  const context = fakeContext({ ...fast, columns: 80, env: { NO_COLOR: '1' } });
  expect(await watch(socket, context)).toBe(0);
  const { out } = context.printed;
  // oxlint-disable-next-line no-control-regex
  const drawings = out.split(/\u001b\[\d+A\u001b\[0J/);
  expect(drawings.length).toBe(3);
  const [first, second, last] = drawings;
  expect(first).toContain('4f2a9c  vm1/3 to replica1: queued\n');
  expect(second).toContain('━━━━━━━━━━──────────  50.0 MiB of 100.0 MiB, 50 %');
  expect(second).toContain('backoff is over      resting -> queued');
  expect(last).toContain('vm1/3 to replica1: completed');
  expect(last).toMatch(/next: nothing: it is done\n$/);
  for (const line of drawings.join('').split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(80);
  expect(requests[0]?.path).toBe('/v1/transfers/4f2a/history?limit=12');
});

const of = (id: string, transfer: TransferReport) => ({ ...history_sample, transfer: { ...transfer, id } });

test('many of them have a line each, those that run first, and no more than the screen has', () => {
  const view = { now_ms: noon_ms, columns: 80, color: false };
  const many = Array.from({ length: 30 }, (_, index) =>
    of(String(index), index < 20 ? completed : half_done),
  );
  expect(eventsThatFit(30, 23)).toBeNull();
  expect(eventsThatFit(1, 23)).toBe(8);
  const lines = renderWatched(many, 23, view).trimEnd().split('\n');
  expect(lines.length).toBe(22);
  expect(lines[0]).toContain('sending');
  expect(lines.at(-1)).toBe('and 9 more transfers');
  const two = renderWatched([of('a', half_done), of('b', completed)], 23, view);
  expect(two.split('\n').length).toBeLessThanOrEqual(23);
});

test('Ctrl-C ends the watching, not the transfer', async () => {
  const { socket, requests } = await startStepping(half_done);
  const context = fakeContext();
  const ended = watch(socket, context);
  while (requests.length < 2) await sleep(10);
  context.interrupt();
  expect(await ended).toBe(130);
  expect(context.printed.err).toBe('icbdrep: watches no longer; the daemon goes on with 1 transfer\n');
});

test('a daemon that is restarted meanwhile is waited for', async () => {
  const away = await startStepping(half_done, half_done, completed);
  const { socket, requests } = away;
  const context = fakeContext();
  const ended = watch(socket, context);
  while (requests.length < 1) await sleep(10);
  await away.stop();
  while (!context.printed.out.includes('waits up to 60 s')) await sleep(10);
  await away.start();
  expect(await ended).toBe(0);
  expect(context.printed.out).toContain('the daemon is back\n');
});

test('one that nobody knows is refused at once', async () => {
  daemon = await startFakeDaemon(
    () => new IcbdError('TransferNotFound', 'there is no transfer 9', { operation: 'x' }),
  );
  const ran = await run(daemon.socket, ['transfer', 'watch', '9']);
  expect(ran).toMatchObject({ code: 10, out: '' });
});

test.each([
  ['transfers --sort image', 'sort=image&direction=up'],
  ['transfers --sort updated', 'sort=updated'],
  ['transfers --sort updated --reverse', 'sort=updated&direction=up'],
  ['transfers --sort replica --reverse', 'sort=replica'],
  ['transfers --number 7 --text vm --state parked', 'number=7&text=vm&states=parked'],
  ['transfers --offset 3', 'offset=3'],
])('%s', async (argv, query) => {
  daemon = await startFakeDaemon(({ path }) => (path.includes('/count') ? { failed: 7 } : [failed]));
  await run(daemon.socket, [...argv.split(' '), '--limit', '5']);
  const [pathname, asked = ''] = (daemon.requests[0]?.path ?? '').split('?');
  expect(pathname).toBe('/v1/transfers');
  expect(new Set(asked.split('&'))).toEqual(new Set([...query.split('&'), 'limit=5']));
});

test('a list says how many there are besides those that are shown; for scripts it is just the list', async () => {
  daemon = await startFakeDaemon(({ path }) =>
    path.includes('/count') ? { failed: 7, parked: 2 } : [failed, failed],
  );
  const argv = ['transfers', '--limit', '2', '--offset', '4', '--sort', 'state', '--image', 'vm1'];
  const { out } = await run(daemon.socket, argv);
  expect(out.trimEnd().split('\n').at(-1)).toBe('5 to 6 of 9 shown; the next ones: --offset 6');
  expect(daemon.requests[1]?.path).toBe('/v1/transfers/count?image=vm1');
  const script = await run(daemon.socket, [...argv, '--json']);
  expect(JSON.parse(script.out)).toEqual([failed, failed]);
  expect(daemon.requests.length).toBe(3);
});

test('more than a thousand come in several answers', async () => {
  daemon = await startFakeDaemon(({ path }) => {
    const { searchParams } = new URL(path, 'http://daemon');
    const offset = Number(searchParams.get('offset') ?? 0);
    const count = Math.max(0, Math.min(1_500 - offset, Number(searchParams.get('limit'))));
    return Array.from({ length: count }, (_, index) => ({ ...failed, id: String(offset + index) }));
  });
  const { out } = await run(daemon.socket, ['transfers', '--limit', '1200', '--json']);
  const listed = JSON.parse(out) as TransferReport[];
  expect([listed.length, listed.at(-1)?.id]).toEqual([1_200, '1199']);
  expect(daemon.requests.map(({ path }) => path)).toEqual([
    '/v1/transfers?limit=1000',
    '/v1/transfers?limit=200&offset=1000',
  ]);
});

test('all of a long history is fetched, in several answers', async () => {
  const [event] = history_sample.events;
  const events = Array.from({ length: 2_300 }, (_, index) => ({ ...event, seq: index + 1 }));
  daemon = await startFakeDaemon(({ path }) => {
    const { searchParams } = new URL(path, 'http://daemon');
    const after = searchParams.get('after_seq');
    const limit = Number(searchParams.get('limit') ?? 1_000);
    const told = after === null ? events.slice(-limit) : events.slice(Number(after), Number(after) + limit);
    return { ...history_sample, events: told, omitted: events.length - told.length };
  });
  const { out } = await run(daemon.socket, ['transfer', 'history', '4f2a', '--json']);
  const history = JSON.parse(out) as { events: { seq: number }[]; omitted: number; effects: unknown[] };
  expect(history.events.map(({ seq }) => seq)).toEqual(events.map(({ seq }) => seq));
  expect([history.omitted, history.effects.length]).toEqual([0, history_sample.effects.length]);
  const few = await run(daemon.socket, ['transfer', 'history', '4f2a', '--limit', '2']);
  expect(daemon.requests.at(-1)?.path).toBe('/v1/transfers/4f2a/history?limit=2');
  expect(few.out).toContain('2298 older events not shown: --limit\n');
});
