/** What can be seen of real transfers: their histories, where they stand, and how they are watched. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EventRecord } from '../../../src/core/records.js';
import type { HistoryReport } from '../../../src/core/report.js';
import { Fleet, until } from '../../support/fleet.js';
import { seededBytes } from '../../support/image_tree.js';
import { theBtrfsProcess } from '../../support/processes.js';
import { isSettled, send, untilTransfer } from '../../support/replicate.js';
import { Terminal } from '../../support/terminal.js';

const mib = 1024 * 1024;
const image_bytes = 96 * mib;
const checkpoint_bytes = 8 * mib;
const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

let fleet: Fleet;
let images = 0;
beforeAll(async () => {
  fleet = await Fleet.start({
    size_mb: 2_048,
    has_proxies: true,
    replica: { transfers: `checkpoint_mib = ${checkpoint_bytes / mib}` },
  });
});
afterEach(() => fleet.proxy(0).heal());
afterAll(async () => {
  await fleet?.dispose();
});

/** A new image and the transfer of its first snapshot, which waits when a third of it has passed the proxy. */
async function hold(): Promise<{ image: string; id: string }> {
  images += 1;
  const image = `vm${images}`;
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(images, image_bytes));
  await fleet.master.client.snapshots.create(image);
  const proxy = fleet.proxy(0);
  const held = proxy.holdDataAt(proxy.counts.data_bytes + image_bytes / 3);
  const { id } = await send(fleet, image, '1');
  await held;
  return { image, id };
}

async function icbdrep(...argv: string[]): Promise<{ code: number | undefined; out: string }> {
  const args = [program, ...argv, '--socket', fleet.master.socket];
  const { exitCode, stdout } = await execa(process.execPath, args, { reject: false });
  return { code: exitCode, out: stdout };
}

const typesOf = ({ events }: HistoryReport): string[] => events.map(({ event }) => event.type);

function eventOf({ events }: HistoryReport, type: string): EventRecord {
  const found = events.find(({ event }) => event.type === type);
  if (found === undefined)
    throw new Error(`no ${type} in ${events.map(({ event }) => event.type).join(' ')}`);
  return found;
}

test('a link that breaks: what is safe is known while nothing moves, and the history tells all of it', async () => {
  const { image, id } = await hold();
  const { client } = fleet.master;
  const moving = await untilTransfer(
    fleet,
    id,
    ({ checkpoint_bytes: safe }) => (safe ?? 0) >= checkpoint_bytes,
  );
  expect(moving).toMatchObject({ state: 'sending', master: 'master', attempt: 1, last_progress: null });
  expect(moving.attempt_at_ms).toBeGreaterThanOrEqual(moving.created_at_ms);
  expect(moving.progress?.taken_bytes).toBeGreaterThanOrEqual(checkpoint_bytes);

  const proxy = fleet.proxy(0);
  proxy.refuses = true;
  proxy.cut();
  proxy.release();
  await until(
    async () => typesOf(await client.transfers.history(id)).some((type) => type.includes('reconnect')),
    () => `the timer of ${id}`,
  );
  const resting = await client.transfers.get(id);
  expect(resting).toMatchObject({ state: 'disconnected', progress: null, link_losses: 1 });
  expect(resting.checkpoint_bytes).toBeGreaterThanOrEqual(checkpoint_bytes);
  expect(resting.last_progress?.stream_bytes).toBeGreaterThan(checkpoint_bytes);
  const shown = (await icbdrep('transfer', 'show', id)).out;
  expect(shown).toContain(`snapshot ${image}/1 from master to r1`);
  expect(shown).toMatch(/checkpoint +at least \d+\.\d MiB on the disk of r1 at /);
  expect(shown).toMatch(/progress .* when bytes moved last, at /);
  proxy.heal();
  await untilTransfer(fleet, id, isSettled);

  const history = await client.transfers.history(id);
  expect(eventOf(history, 'created')).toMatchObject({ state_before: '', state: 'queued', attempt: 0 });
  expect(eventOf(history, 'slot.granted')).toMatchObject({
    state_before: 'queued',
    state: 'planning',
    attempt: 1,
    cause: { kind: 'actor', actor: 'replica/r1' },
  });
  expect(eventOf(history, 'reception.ready').cause).toMatchObject({ kind: 'peer', node: 'r1' });
  const offer = eventOf(history, 'plan.done');
  expect(offer.intents).toContainEqual(expect.objectContaining({ type: 'message', event: 'transfer.offer' }));
  expect(offer.intents).toContainEqual(expect.objectContaining({ type: 'timer' }));
  const ignored = history.events.filter(({ handled }) => !handled);
  expect(ignored).toContainEqual(
    expect.objectContaining({
      ignored_reason: 'the replica is offline',
      guards: [{ guard: 'isOnline', passed: false }],
      cause: expect.objectContaining({ kind: 'timer' }) as unknown,
    }),
  );
  expect(new Set(history.events.slice(1).map(({ attempt }) => attempt))).toEqual(new Set([1]));
  expect(history.effects.map(({ kind, status }) => [kind, status])).toEqual([
    ['plan', 'done'],
    ['send', 'done'],
    ['send', 'done'],
  ]);
  const text = (await icbdrep('transfer', 'history', id)).out;
  expect(text).toMatch(/┌ plan .* ok\n/);
  expect(text).toMatch(/┌ send .* ended: link lost\n/);
  expect(text).toMatch(/└ send\.link_lost +sending -> disconnected/);
  expect(text).toMatch(/disconnected \(ignored\) +timer; ignored because the replica is offline/);
  expect(text).toMatch(/│ send\.begun .*: goes on at /);
  const newest = await client.transfers.history(id, { limit: 2 });
  expect([newest.events.at(-1)?.state, newest.omitted]).toEqual(['completed', history.events.length - 2]);
}, 60_000);

test('btrfs send is killed: the attempt fails, a timer runs, the second attempt ends it', async () => {
  const { image, id } = await hold();
  const { client } = fleet.master;
  const { pid } = await theBtrfsProcess(fleet.master.fs.mountpoint, 'send');
  process.kill(pid, 'SIGKILL');
  const resting = await untilTransfer(fleet, id, ({ state }) => state === 'resting');
  fleet.proxy(0).release();
  expect(resting.timers).toEqual([
    {
      timer: expect.stringContaining('backoff') as unknown,
      meaning: 'it tries again',
      due_at_ms: resting.next_at_ms,
    },
  ]);
  const done = await untilTransfer(fleet, id, isSettled);
  expect(done).toMatchObject({ state: 'completed', attempt: 2, timers: [], last_progress: null });
  const history = await client.transfers.history(id);
  const attempts = history.events.map(({ attempt }) => attempt);
  expect([...new Set(attempts)]).toEqual([0, 1, 2]);
  expect(attempts).toEqual(attempts.toSorted((one, other) => one - other));
  const second = history.events.find(({ attempt }) => attempt === 2);
  expect(second?.at_ms).toBe(done.attempt_at_ms);
  expect(history.effects.map(({ kind, status }) => `${kind} ${status}`)).toContain('send failed');

  const errors = (await icbdrep('transfer', 'history', id, '--errors')).out;
  expect(errors).toMatch(/└ send\.failed +sending -> resting/);
  expect(errors).not.toContain('reception.completed');
  const last = (await icbdrep('transfer', 'history', id, '--attempt', '2')).out;
  expect(last).toMatch(/attempt 2\n/);
  expect(last).not.toContain('send.failed');
  const { events, omitted } = await client.images.history(image, { limit: 3 });
  expect([events.length, omitted > 0]).toEqual([3, true]);
  const there = await client.images.history(image, { node: 'r1', changes: true });
  expect(there.events.at(-1)?.state).toBe('present');
  expect(there.effects.map(({ kind }) => kind)).toContain('scan');
  expect((await icbdrep('image', 'history', image, '--node', 'r1')).out).toMatch(/┌ scan .* ok\n/);
  expect(await client.transfers.count({ image })).toEqual({ completed: 1 });
}, 60_000);

test('watched at a terminal, through a restart of the master, until it is completed', async () => {
  const { image, id } = await hold();
  const argv = [process.execPath, program, 'transfer', 'watch', id, '--socket', fleet.master.socket];
  const terminal = new Terminal(argv, { columns: 80 });
  try {
    await terminal.see(new RegExp(`${image}/1 to r1: sending\\n`));
    await terminal.see(/━+─+ {2}\d+\.\d MiB/);
    await terminal.see(/send\.begun +sending: from the beginning/);
    await terminal.see(/next: /);
    await fleet.master.kill();
    await terminal.see('waits up to 60 s for it to come back');
    fleet.proxy(0).release();
    await fleet.master.start();
    await terminal.see('the daemon is back');
    await terminal.see(new RegExp(`${image}/1 to r1: completed`), 60_000);
    expect(await terminal.ended()).toBe(0);
  } finally {
    await terminal.hangUp();
  }
  const { out, code } = await icbdrep('transfer', 'watch', id, '--json');
  expect(code).toBe(0);
  expect(out.split('\n').map((line) => (JSON.parse(line) as { state: string }).state)).toEqual(['completed']);
}, 120_000);
