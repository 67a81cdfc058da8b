/** What operators do with transfers that are there, on one fleet: halted, run again, made anew, many at once. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TransferReport } from '../../../src/core/report.js';
import { Fleet, until } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { seededBytes } from '../../support/image_tree.js';
import { theBtrfsProcess } from '../../support/processes.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
const image_bytes = 64 * mib;
const checkpoint_bytes = 8 * mib;

const cli = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

let fleet: Fleet;
let images = 0;
beforeAll(async () => {
  fleet = await Fleet.start({
    replicas: 2,
    size_mb: 1_536,
    has_proxies: true,
    master: { transfers: 'failures_max = 1' },
    replica: { transfers: `checkpoint_mib = ${checkpoint_bytes / mib}` },
  });
});
afterEach(() => {
  for (const proxy of fleet.proxies) proxy.heal();
});
afterAll(async () => {
  await fleet?.dispose();
});

const verbs = () => fleet.master.client.transfers;

/** A new image with one snapshot of so many bytes, on all nodes. */
async function imageOf(bytes: number): Promise<string> {
  images += 1;
  const image = `vm${images}`;
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(images, bytes));
  await fleet.master.client.snapshots.create(image);
  return image;
}

/** A transfer that hangs when half of its stream has passed, and when the replica has a checkpoint of it. */
async function half(bytes = image_bytes): Promise<{ readonly image: string; readonly id: string }> {
  const image = await imageOf(bytes);
  const proxy = fleet.proxy(0);
  const held = proxy.holdDataAt(proxy.counts.data_bytes + bytes / 2);
  const { id } = await send(fleet, image, '1');
  await held;
  await until(
    async () => ((await receptionOf(id)).checkpoint_bytes ?? 0) > 0,
    () => `a checkpoint of ${id}`,
  );
  return { image, id };
}

const receptionOf = (id: string): Promise<TransferReport> => fleet.replica(0).client.transfers.get(id);

async function untilReception(id: string, state: string): Promise<TransferReport> {
  let last: TransferReport | undefined;
  await until(
    async () => {
      last = await receptionOf(id);
      return last.state === state;
    },
    () => `reception ${id} to be ${state}, now ${JSON.stringify(last)}`,
  );
  return last as TransferReport;
}

/** Where the last link of a transfer began. */
async function lastOffset(id: string): Promise<number> {
  const { events } = await verbs().history(id);
  return Number(events.findLast(({ event }) => event.type === 'send.begun')?.event['offset_bytes']);
}

/** The stream goes on at the last whole block before the checkpoint. */
const isAt = (kept: number | null) => (offset_bytes: number) =>
  offset_bytes <= Number(kept) && offset_bytes > Number(kept) - mib;

async function untilCompleted(id: string, image: string): Promise<TransferReport> {
  const transfer = await untilTransfer(fleet, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
  expect(await differences(fleet, image, ['1'])).toEqual([]);
  return transfer;
}

/** Fails for good: another snapshot stands under the number on the replica. */
async function conflict(image: string): Promise<{ readonly id: string; readonly mend: () => Promise<void> }> {
  const there = path.join(fleet.replica(0).fs.mountpoint, image, '1');
  await execa('btrfs', ['subvolume', 'create', there]);
  await execa('btrfs', ['property', 'set', there, 'ro', 'true']);
  const { id } = await send(fleet, image, '1');
  await untilTransfer(fleet, id, ({ state }) => state === 'failed');
  return { id, mend: async () => void (await execa('btrfs', ['subvolume', 'delete', there])) };
}

/** Each part of a stream has a `btrfs receive` of its own: one may have ended just now. */
async function killReceiver(): Promise<void> {
  await until(
    async () => {
      const { pid } = await theBtrfsProcess(fleet.replica(0).fs.mountpoint, 'receive');
      try {
        return process.kill(pid, 'SIGKILL');
      } catch {
        return false;
      }
    },
    () => 'a btrfs receive to kill',
  );
}

const icbdrep = (...argv: string[]) =>
  execa(process.execPath, [cli, '--socket', fleet.master.socket, ...argv], { reject: false });

test('paused in mid-send it keeps what the replica has, and resumed it goes on there', async () => {
  const { image, id } = await half();
  expect(await verbs().pause(id)).toMatchObject({ state: 'paused', settled: false });
  // Said twice, it is paused once.
  expect(await verbs().pause(id)).toMatchObject({ state: 'paused' });
  fleet.proxy(0).release();
  const { checkpoint_bytes: kept } = await untilReception(id, 'held');
  expect(kept).toBeGreaterThanOrEqual(checkpoint_bytes);
  await expect(verbs().redrive(id)).rejects.toMatchObject({ code: 'NotAllowedNow', hint: 'resume it' });

  // Nothing goes on by itself, after a restart neither.
  await fleet.master.kill();
  await fleet.master.start();
  await fleet.untilOnline();
  expect(await verbs().get(id)).toMatchObject({ state: 'paused', attempt: 1 });

  const before_bytes = fleet.proxy(0).counts.data_bytes;
  const told = await icbdrep('transfer', 'resume', id);
  expect(told).toMatchObject({ exitCode: 0 });
  const done = await untilCompleted(id, image);
  expect(done).toMatchObject({ attempt: 2, failures: 0 });
  expect(await lastOffset(id)).toSatisfy(isAt(kept));
  const again = fleet.proxy(0).counts.data_bytes - before_bytes;
  expect(again).toBeLessThan((done.stream_bytes ?? 0) - (kept ?? 0) + 2 * mib);

  const refused = await icbdrep('transfer', 'pause', id);
  expect(refused.exitCode).toBe(12);
  expect(refused.stderr).toContain(`the transfer ${id} cannot be paused: it is completed`);
  const { events } = await verbs().history(id);
  const asked = events.filter(({ cause }) => cause.kind === 'operator');
  expect(asked.map(({ event, handled, ignored_reason }) => [event.type, handled, ignored_reason])).toEqual([
    ['pause', true, ''],
    ['pause', false, 'it is paused already'],
    ['redrive', false, 'it is paused'],
    ['resume', true, ''],
    ['pause', false, 'it is completed'],
  ]);
});

test('what failed in mid-stream is redriven from its checkpoint, or from its start', async () => {
  const { image, id } = await half();
  // With failures_max = 1, that is it.
  await killReceiver();
  fleet.proxy(0).release();
  await untilTransfer(fleet, id, ({ state }) => state === 'failed');
  await untilReception(id, 'held');
  const { checkpoint_bytes: kept } = await receptionOf(id);
  expect(kept).toBeGreaterThan(0);
  // The same as to send it again.
  expect((await send(fleet, image, '1')).id).toBe(id);
  const done = await untilCompleted(id, image);
  expect(done.failures).toBe(0);
  expect(await lastOffset(id)).toSatisfy(isAt(kept));
  expect(await verbs().list({ image })).toHaveLength(1);
});

test('from its start, nothing that was received counts', async () => {
  const { image, id } = await half();
  await verbs().cancel(id);
  fleet.proxy(0).release();
  await untilTransfer(fleet, id, ({ state }) => state === 'cancelled');
  const { id: failed, image: other } = await half();
  await expect(verbs().redrive(failed, { from_start: true })).rejects.toMatchObject({
    code: 'NotAllowedNow',
  });
  expect(await verbs().redrive(failed)).toMatchObject({ state: 'sending' });
  fleet.proxy(0).release();
  await untilCompleted(failed, other);
  expect(await verbs().redrive(id, { from_start: true })).toMatchObject({ settled: false });
  expect(await untilCompleted(id, image)).toMatchObject({ resumed_bytes: 0 });
  expect(await lastOffset(id)).toBe(0);
});

test('a fork goes to another replica, with another codec, from another parent', async () => {
  const image = await imageOf(mib);
  const { id } = await send(fleet, image, '1');
  await untilCompleted(id, image);
  writeFileSync(path.join(fleet.master.fs.mountpoint, image, 'live', 'more'), seededBytes(9, mib));
  await fleet.master.client.snapshots.create(image);
  const { id: second } = await send(fleet, image, '2');
  expect(await untilTransfer(fleet, second, isSettled)).toMatchObject({ state: 'completed', parent: '1' });

  // The other replica has no parent: a pinned one is refused, in words.
  const pinned = await verbs().fork(second, { to: 'r2', parent: '1' });
  expect(await untilTransfer(fleet, pinned.id, isSettled)).toMatchObject({
    state: 'failed',
    forked_from: { transfer: second },
    last_error: { code: 'SnapshotNotFound', message: `r2 does not hold the parent ${image}/1` },
  });
  const told = await icbdrep('transfer', 'fork', pinned.id, '--parent', 'auto', '--codec', 'zlib', '--json');
  const made = JSON.parse(told.stdout) as TransferReport;
  expect(await untilTransfer(fleet, made.id, isSettled)).toMatchObject({
    state: 'completed',
    replica: 'r2',
    codec: 'zlib',
    parent: null,
  });
  expect(await verbs().get(pinned.id)).toMatchObject({ state: 'failed' });
  await expect(verbs().fork(second, { at_seq: 10_000 })).rejects.toMatchObject({ code: 'InvalidArgument' });
});

describe('many at once', () => {
  test('are listed, and run again one after the other, also by a master that was killed meanwhile', async () => {
    const names = [await imageOf(mib), await imageOf(mib), await imageOf(mib)];
    const failed: { readonly id: string; readonly mend: () => Promise<void> }[] = [];
    for (const image of names) failed.push(await conflict(image));
    for (const { mend } of failed) await mend();

    const nothing = await icbdrep('redrive', '--image', 'nowhere');
    expect(nothing).toMatchObject({ exitCode: 0, stdout: 'nothing to redrive: no transfer fits' });
    const dry = await icbdrep('redrive', '--replica', 'r1', '--rate', '10/min', '--since', '1h', '--dry-run');
    expect(dry.exitCode).toBe(0);
    process.stdout.write(`${dry.stdout}\n`);
    expect(dry.stdout).toContain('3 transfers would be redriven, the last begins in');
    for (const { id } of failed) expect(await verbs().get(id)).toMatchObject({ state: 'failed' });

    const reports = await verbs().redriveAll({ replica: '1', per_minute: 10 });
    expect(reports.map(({ transfer, result }) => [transfer, result])).toEqual(
      failed.map(({ id }) => [id, 'redriven']),
    );
    const [first, second, third] = failed.map(({ id }) => id) as [string, string, string];
    expect((await verbs().get(third)).state).toBe('scheduled');
    const { timers } = await verbs().get(third);
    expect(timers).toHaveLength(1);
    expect(Math.abs((timers[0]?.due_at_ms ?? 0) - (reports[2]?.starts_at_ms ?? 0))).toBeLessThan(1_000);
    await fleet.master.kill();
    await fleet.master.start();
    expect(await verbs().get(third)).toMatchObject({ state: 'scheduled', timers });
    expect(await verbs().retryNow(second)).not.toMatchObject({ state: 'scheduled' });
    await untilCompleted(first, names[0] as string);
    await untilCompleted(second, names[1] as string);
    await untilCompleted(third, names[2] as string);
    expect(Date.now()).toBeGreaterThanOrEqual(timers[0]?.due_at_ms ?? 0);
  });
});

test('several are refused and done, each for itself', async () => {
  const image = await imageOf(mib);
  const { id } = await send(fleet, image, '1');
  await untilCompleted(id, image);
  const told = await icbdrep('transfer', 'redrive', id, '999');
  expect(told.exitCode).toBe(12);
  expect(told.stderr).toContain(`the transfer ${id} cannot be redriven: it is completed`);
  expect(told.stderr).toContain('there is no transfer 999');
  const asked = await execa(
    process.execPath,
    [cli, '--socket', fleet.replica(0).socket, 'transfer', 'pause', id],
    { reject: false },
  );
  expect(asked.stderr).toContain("is the master's");
});

test('what throws is parked without a slot, and goes on when it is unparked', async () => {
  const { image, id } = await half();
  await fleet.master.kill();
  const broken = `UPDATE actors SET machine_version = 99 WHERE kind = 'transfer' AND id = '${id}'`;
  await execa('sqlite3', [fleet.master.database_file, broken]);
  await fleet.master.start();
  await fleet.untilOnline();
  expect(await verbs().get(id)).toMatchObject({ state: 'parked' });
  const [replica] = await fleet.master.client.replicas.list();
  expect(replica).toMatchObject({ transfers_running: 0, transfers_waiting: 0 });
  const again = await icbdrep('actor', 'unpark', 'transfer', id);
  expect(again.exitCode).toBe(1);
  expect(again.stderr).toContain('was parked again: its state cannot be migrated');
  await fleet.master.kill();
  await execa('sqlite3', [fleet.master.database_file, broken.replace('99', '4')]);
  await fleet.master.start();
  await fleet.untilOnline();
  fleet.proxy(0).release();
  const told = await icbdrep('actor', 'unpark', 'transfer', id);
  expect(told.stdout).toMatch(new RegExp(`^transfer ${id} is `));
  expect((await untilCompleted(id, image)).resumed_bytes).toBeGreaterThan(0);

  const other = await imageOf(mib);
  await fleet.master.kill();
  await execa('sqlite3', [
    fleet.master.database_file,
    "UPDATE actors SET status = 'parked', parked_reason = 'a test' WHERE kind = 'replica' AND id = 'r1'",
  ]);
  await fleet.master.start();
  const waiting = await send(fleet, other, '1');
  await sleep(200);
  expect(await verbs().get(waiting.id)).toMatchObject({ state: 'queued' });
  expect((await icbdrep('actor', 'unpark', 'replica', 'r1')).exitCode).toBe(0);
  expect(await untilTransfer(fleet, waiting.id, isSettled)).toMatchObject({ state: 'completed' });
});

test('at the end every history folds to what stands', async () => {
  await fleet.untilSettled();
  await Promise.all(fleet.nodes.map((node) => node.stop()));
  for (const node of fleet.nodes) expect(checkHistory(node.database_file), node.name).toEqual([]);
});
