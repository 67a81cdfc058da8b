/** What a node says of itself, whether it would take a snapshot, and stopping it in order. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet, until } from '../../support/fleet.js';
import { seededBytes } from '../../support/image_tree.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
const image_bytes = 64 * mib;

let fleet: Fleet;
let images = 0;
beforeAll(async () => {
  fleet = await Fleet.start({
    replicas: 2,
    has_proxies: true,
    replica: { transfers: 'receptions_max = 1' },
  });
});
afterAll(async () => {
  await fleet?.dispose();
});

async function makeImage(): Promise<string> {
  images += 1;
  const image = `vm${images}`;
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(images, image_bytes));
  await fleet.master.client.snapshots.create(image);
  return image;
}

/** A transfer to r1 that waits when most of it has come there. */
async function hold(): Promise<{ readonly image: string; readonly id: string }> {
  const image = await makeImage();
  const proxy = fleet.proxy(0);
  const held = proxy.holdDataAt(proxy.counts.data_bytes + 0.75 * image_bytes);
  const { id } = await send(fleet, image, '1');
  await held;
  return { image, id };
}

async function complete({ image, id }: { readonly image: string; readonly id: string }) {
  const transfer = await untilTransfer(fleet, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
  expect(await differences(fleet, image, ['1'])).toEqual([]);
  return transfer;
}

describe('what a node says of itself', () => {
  test('by name, by number, and to itself', async () => {
    const { client } = fleet.master;
    const [port] = fleet.proxies.map((proxy) => proxy.port);
    const replica = { name: 'r1', node_id: 1, role: 'replica', is_stopping: false };
    const data_address = { url: `ws://127.0.0.1:${port}`, via: null };
    expect(await client.nodes.get({ node: 'r1' })).toMatchObject({ ...replica, data_address });
    expect(await client.nodes.get({ node: '1' })).toMatchObject({ ...replica, pid: fleet.replica(0).pid });
    expect(await fleet.replica(0).client.nodes.get()).toMatchObject(replica);
    const master = { name: 'master', node_id: 0, role: 'master', pid: fleet.master.pid };
    expect(await client.nodes.get()).toMatchObject(master);
    expect(await client.nodes.get({ node: '0' })).toMatchObject(master);
    await expect(client.nodes.get({ node: '9' })).rejects.toMatchObject({ code: 'ReplicaNotFound' });
    await expect(fleet.replica(0).client.nodes.get({ node: 'r2' })).rejects.toMatchObject({
      code: 'NotPermitted',
    });
  });

  test('a ping is answered by the daemon', async () => {
    const pong = await fleet.master.client.nodes.ping({ node: '2' });
    expect(pong).toMatchObject({ node: 'r2', answer: 'pong' });
    expect(pong.round_trip_ms).toBeGreaterThan(0);
    expect(await fleet.replica(0).client.nodes.ping({ node: 'master' })).toMatchObject({ node: 'master' });
  });
});

describe('whether a replica would take a snapshot', () => {
  test('yes, and each reason why not', async () => {
    const { client } = fleet.master;
    const image = await makeImage();
    const check = async (to = 'r2') => (await client.transfers.check({ image, numbers: ['1'], to: [to] }))[0];
    expect(await check()).toMatchObject({ node: 'r2', accepts: true, reason: '' });

    await client.images.remove(image, { node: 'r2' });
    expect(await check()).toMatchObject({
      accepts: false,
      reason: 'unknown_image',
      error: { code: 'ImageNotFound' },
    });
    await client.images.add({ name: image, node: 'r2' });

    const { id } = await send(fleet, image, '1', 'r2');
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed' });
    expect(await check()).toMatchObject({ accepts: false, reason: 'already_there', error: null });
    await client.snapshots.delete(image, '1', { node: 'r2', force: true });
    expect(await check()).toMatchObject({ accepts: true });

    const busy = await hold();
    expect(await check('r1')).toMatchObject({ accepts: false, reason: 'busy', error: { code: 'Busy' } });
    // One that is sent meanwhile waits, and fails of nothing.
    const waiting = await send(fleet, image, '1', 'r1');
    await untilTransfer(fleet, waiting.id, ({ last_error }) => last_error?.code === 'Busy');
    fleet.proxy(0).release();
    await complete(busy);
    expect(await untilTransfer(fleet, waiting.id, isSettled)).toMatchObject({ state: 'completed' });

    await fleet.replica(1).kill();
    await until(
      async () => (await check())?.reason === 'unreachable',
      () => 'the replica to be unreachable',
    );
    await fleet.replica(1).start();
    await fleet.untilOnline();
  });
});

describe('an orderly stop', () => {
  test('what a replica received is kept, and goes on from there', async () => {
    const held = await hold();
    const report = await fleet.master.client.nodes.shutdown({ node: 'r1' });
    expect(report).toEqual({ node: 'r1', mode: 'checkpoint', running: 1 });
    expect(await fleet.replica(0).untilEnded()).toBe(0);
    fleet.proxy(0).release();
    await fleet.replica(0).start();
    const transfer = await complete(held);
    // Without being asked, the first checkpoint would have come after 256 MiB.
    expect(transfer.resumed_bytes).toBeGreaterThan(image_bytes / 2);
    expect(transfer.attempt).toBe(1);
  });

  test('a signal does the same', async () => {
    const held = await hold();
    expect(await fleet.replica(0).stop()).toBe(0);
    fleet.proxy(0).release();
    await fleet.replica(0).start();
    expect((await complete(held)).resumed_bytes).toBeGreaterThan(image_bytes / 2);
  });

  test('a replica may finish first; it takes nothing new meanwhile', async () => {
    const held = await hold();
    const other = await makeImage();
    await fleet.master.client.nodes.shutdown({ node: 'r1', mode: 'finish' });
    expect(await fleet.master.client.nodes.get({ node: 'r1' })).toMatchObject({ is_stopping: true });
    expect(
      (await fleet.master.client.transfers.check({ image: other, numbers: ['1'], to: ['r1'] }))[0],
    ).toMatchObject({ accepts: false, reason: 'busy' });
    fleet.proxy(0).release();
    expect(await fleet.replica(0).untilEnded(60_000)).toBe(0);
    expect(await untilTransfer(fleet, held.id, isSettled)).toMatchObject({ state: 'completed' });
    await fleet.replica(0).start();
    await fleet.untilOnline();
    expect(await differences(fleet, held.image, ['1'])).toEqual([]);
  });

  test('a master may finish first; what is sent meanwhile waits for its next start', async () => {
    const held = await hold();
    const other = await makeImage();
    await fleet.master.client.nodes.shutdown({ mode: 'finish' });
    const waiting = await send(fleet, other, '1');
    fleet.proxy(0).release();
    expect(await fleet.master.untilEnded(60_000)).toBe(0);
    await fleet.master.start();
    expect(await complete(held)).toMatchObject({ attempt: 1, link_losses: 0 });
    expect((await complete({ image: other, id: waiting.id })).attempt).toBe(1);
  });
});
