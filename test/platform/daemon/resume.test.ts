/** Transfers that are interrupted half way and near their end, and what of them is sent again. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Fleet, until } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { seededBytes } from '../../support/image_tree.js';
import { theBtrfsProcess } from '../../support/processes.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
const image_bytes = 96 * mib;
const checkpoint_bytes = 8 * mib;
/** What the sender keeps, and may have handed over while nobody took it. */
const in_flight_bytes = 16 * mib;
/** Buffers of the sockets on both sides of the proxy. */
const socket_bytes = 8 * mib;

let fleet: Fleet;
let images = 0;
/** Id of a reception whose database was changed behind its back. */
let tampered_with = '';
beforeAll(async () => {
  fleet = await Fleet.start({
    size_mb: 3_072,
    has_proxies: true,
    replica: { transfers: `checkpoint_mib = ${checkpoint_bytes / mib}` },
  });
});
afterEach(() => fleet.proxy(0).heal());
afterAll(async () => {
  await fleet?.dispose();
});

interface Held {
  readonly image: string;
  readonly id: string;
  /** Of the proxy, when the transfer began. */
  readonly first_bytes: number;
}

/** A new image and the transfer of its first snapshot, which waits when so much of it has passed the proxy. */
async function holdAt(fraction: number, bytes = image_bytes): Promise<Held> {
  images += 1;
  const image = `vm${images}`;
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(images, bytes));
  await fleet.master.client.snapshots.create(image);
  const proxy = fleet.proxy(0);
  const first_bytes = proxy.counts.data_bytes;
  const held = proxy.holdDataAt(first_bytes + fraction * bytes);
  const { id } = await send(fleet, image, '1');
  await held;
  return { image, id, first_bytes };
}

/** Waits until it is completed, and compares; returns the bytes that were sent more than once. */
async function conclude({ image, id, first_bytes }: Held): Promise<number> {
  const transfer = await untilTransfer(fleet, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
  expect(await differences(fleet, image, ['1'])).toEqual([]);
  const again = fleet.proxy(0).counts.data_bytes - first_bytes - (transfer.stream_bytes ?? 0);
  process.stdout.write(`${expect.getState().currentTestName}: ${(again / mib).toFixed(1)} MiB sent again\n`);
  return again;
}

/** The states that it was in, each as often as it came there. */
async function statesOf(id: string): Promise<string[]> {
  const { events } = await fleet.master.client.transfers.history(id);
  return events.map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]);
}

/** From where each link of the transfer went on, and whether its btrfs send did. */
async function linksOf(id: string): Promise<{ offset_bytes: number; is_live: boolean }[]> {
  const { events } = await fleet.master.client.transfers.history(id);
  return events
    .filter(({ event }) => event.type === 'send.begun')
    .map(({ event }) => ({
      offset_bytes: Number(event['offset_bytes']),
      is_live: event['is_live'] === true,
    }));
}

const went_on = ['sending', 'disconnected', 'sending', 'confirming', 'completed'];

describe.each([0.5, 0.9])('at %d of the stream', (fraction) => {
  test('the replica is killed', async () => {
    const held = await holdAt(fraction);
    await fleet.replica(0).kill();
    fleet.proxy(0).release();
    await fleet.replica(0).start();
    const again = await conclude(held);
    expect((await fleet.master.client.transfers.get(held.id)).attempt).toBe(1);
    expect((await statesOf(held.id)).slice(-went_on.length)).toEqual(went_on);
    expect(again).toBeLessThanOrEqual(checkpoint_bytes + in_flight_bytes + socket_bytes);
  });

  test('the master is killed', async () => {
    const held = await holdAt(fraction);
    await fleet.master.kill();
    fleet.proxy(0).release();
    await fleet.master.start();
    const again = await conclude(held);
    expect((await fleet.master.client.transfers.get(held.id)).attempt).toBe(1);
    expect((await statesOf(held.id)).slice(-went_on.length)).toEqual(went_on);
    const last = (await linksOf(held.id)).at(-1);
    expect(last?.is_live).toBe(false);
    expect(last?.offset_bytes).toBeGreaterThan(0);
    // The replica has closed its part where the link broke: less than one checkpoint is lost.
    expect(again).toBeLessThanOrEqual(in_flight_bytes + socket_bytes);
  });

  test('both are killed', async () => {
    const held = await holdAt(fraction);
    await Promise.all([fleet.master.kill(), fleet.replica(0).kill()]);
    fleet.proxy(0).release();
    await Promise.all([fleet.master.start(), fleet.replica(0).start()]);
    const again = await conclude(held);
    expect((await fleet.master.client.transfers.get(held.id)).attempt).toBe(1);
    expect((await statesOf(held.id)).slice(-went_on.length)).toEqual(went_on);
    expect(again).toBeLessThanOrEqual(checkpoint_bytes + in_flight_bytes + socket_bytes);
  });

  test('the link is cut: the same btrfs send goes on', async () => {
    // So large that btrfs send still runs: what is left is more than may wait.
    const held = await holdAt(fraction, 400 * mib);
    const proxy = fleet.proxy(0);
    const sender = await theBtrfsProcess(fleet.master.fs.mountpoint, 'send');
    expect(proxy.cut()).toBeGreaterThan(1);
    proxy.release();
    // Stops it once more, to see who sends.
    await proxy.holdDataAt(proxy.counts.data_bytes + 2 * mib);
    expect(await theBtrfsProcess(fleet.master.fs.mountpoint, 'send')).toEqual(sender);
    proxy.release();
    const again = await conclude(held);
    expect((await fleet.master.client.transfers.get(held.id)).attempt).toBe(1);
    expect((await statesOf(held.id)).slice(-went_on.length)).toEqual(went_on);
    expect((await linksOf(held.id)).map(({ is_live }) => is_live)).toEqual([false, true]);
    expect(again).toBeLessThanOrEqual(in_flight_bytes + socket_bytes);
  });
});

test('what the replica holds is not what is sent: starts over, and says so', async () => {
  const held = await holdAt(0.9);
  const replica = fleet.replica(0);
  const hashes = (): string[] =>
    replica
      .query<{ hash: string }>(
        `SELECT DISTINCT json_extract(event, '$.checkpoint.proof.hash') AS hash FROM events
          WHERE kind = 'reception' AND id = '${held.id}' AND json_extract(event, '$.type') = 'receive.checkpoint'`,
      )
      .map(({ hash }) => hash);
  await until(
    () => hashes().length > 2,
    () => 'checkpoints',
  );
  // The last that is under way may still be told.
  await sleep(300);
  await replica.kill();
  const database = new BetterSqlite(replica.database_file);
  for (const hash of hashes()) {
    for (const [table, column] of [
      ['actors', 'snapshot'],
      ['events', 'event'],
    ]) {
      database
        .prepare(`UPDATE ${table} SET ${column} = replace(${column}, ?, ?) WHERE id = ?`)
        .run(hash, hash.split('').toReversed().join(''), held.id);
    }
  }
  database.close();
  tampered_with = held.id;
  fleet.proxy(0).release();
  await replica.start();
  expect(await conclude(held)).toBeGreaterThan(0.85 * image_bytes);
  const { events } = await fleet.master.client.transfers.history(held.id);
  const why = events.find(({ state }) => state === 'starting_over');
  expect(why?.event['error']).toMatchObject({ code: 'ResumeMismatch' });
});

test('the histories of both nodes are what their actors are, but for the one that was tampered with', async () => {
  for (const node of fleet.nodes) expect(await node.stop(), node.logTail()).toBe(0);
  for (const node of fleet.nodes) {
    const problems = checkHistory(node.database_file);
    const found = problems.map((problem) => /^reception\/(\S+): event \d+: /.exec(problem)?.[1] ?? problem);
    expect(found, node.name).toEqual(node === fleet.master ? [] : [tampered_with]);
  }
});
