/** A replica whose power is cut, again and again, at any moment of its transfers. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CuttableFs } from '../../support/cuttable_fs.js';
import { Fleet } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree, seededBytes } from '../../support/image_tree.js';
import { btrfsProcesses } from '../../support/processes.js';
import { randomFrom, seedOf } from '../../support/random.js';

const mib = 1024 * 1024;
const images = ['a', 'b'];
const cuts = 30;
/** Of each snapshot that is made while the power fails. */
const change_bytes = 16 * mib;
/** So slow that cuts fall into each part of a transfer. */
const rate_bytes_per_s = 48 * mib;
/** Between two cuts, at most so much is sent, or so much time passes. */
const sent_bytes_max = 24 * mib;
const wait_ms_max = 2_500;

let disk: CuttableFs;
let fleet: Fleet;
const sources = new Map<string, string>();
beforeAll(async () => {
  disk = await CuttableFs.make(2_048);
  // Images and state database lie on the one disk, so one copy has both as they were at one moment.
  const mountpoint = path.join(disk.mountpoint, 'images');
  mkdirSync(mountpoint);
  await execa('btrfs', ['filesystem', 'sync', disk.mountpoint]);
  fleet = await Fleet.start({
    size_mb: 2_048,
    filesystems: { r1: { mountpoint, dispose: () => disk.dispose() } },
    state_dirs: { r1: path.join(disk.mountpoint, 'state') },
    has_proxies: true,
    replica: { transfers: 'checkpoint_mib = 4' },
  });
  fleet.proxy(0).rate_bytes_per_s = rate_bytes_per_s;
  for (const [index, image] of images.entries()) {
    const source = await fleet.addImage(image);
    await makeImageTree(source, index + 1, 40 * mib);
    sources.set(image, source);
  }
});
afterAll(async () => {
  // Made by hand only when the fleet could not be.
  await (fleet ?? disk)?.dispose();
});

/** `image/number` of what the master says is completed. */
async function completedSnapshots(): Promise<string[]> {
  const transfers = await fleet.master.client.transfers.list({ states: ['completed'], limit: 10_000 });
  return transfers.map(({ image, number }) => `${image}/${number}`);
}

async function untilSent(bytes: number): Promise<void> {
  const { counts } = fleet.proxy(0);
  const aim_bytes = counts.data_bytes + bytes;
  for (let waited_ms = 0; counts.data_bytes < aim_bytes && waited_ms < wait_ms_max; waited_ms += 10) {
    await sleep(10);
  }
}

function visibleSnapshots(): string[] {
  return images.flatMap((image) =>
    readdirSync(path.join(fleet.replica(0).fs.mountpoint, image))
      .filter((name) => !name.startsWith('.'))
      .map((number) => `${image}/${number}`),
  );
}

test(`${cuts} power cuts: everything completes, and nothing that was reported completed is lost`, async () => {
  const random = randomFrom(seedOf('POWER_SEED'));
  const replica = fleet.replica(0);
  const compared = new Set<string>();
  /** Compares what nobody has compared yet, since what is on disk does not change any more. */
  const compareVisible = async (): Promise<void> => {
    for (const snapshot of visibleSnapshots().filter((name) => !compared.has(name))) {
      const [original, copy] = [fleet.master, replica].map(({ fs }) => path.join(fs.mountpoint, snapshot));
      expect(await compareTrees(original ?? '', copy ?? ''), snapshot).toEqual([]);
      compared.add(snapshot);
    }
  };
  let [changes, cuts_with_work] = [0, 0];
  for (let cut = 0; cut < cuts; cut += 1) {
    const open = (await fleet.master.client.transfers.list()).filter(({ settled }) => !settled);
    if (open.length < 2) {
      for (const image of images) {
        changes += 1;
        const source = sources.get(image) ?? '';
        await changeImageTree(source, changes);
        writeFileSync(path.join(source, 'log'), seededBytes(changes, change_bytes));
        const { number } = await fleet.master.client.snapshots.create(image);
        await fleet.master.client.transfers.send({ image, numbers: [number], to: ['r1'] });
      }
    }
    await untilSent(random.between(0, sent_bytes_max));
    await sleep(random.between(0, 200));
    const completed = await completedSnapshots();
    if ((await fleet.master.client.transfers.list()).some(({ settled }) => !settled)) cuts_with_work += 1;
    await disk.copyNow();
    await replica.kill();
    await disk.mountCopy();
    expect(visibleSnapshots()).toEqual(expect.arrayContaining(completed));
    await compareVisible();
    await replica.start();
    await fleet.untilOnline();
  }
  fleet.proxy(0).heal();
  const transfers = await fleet.untilSettled();
  const stream_bytes = transfers.reduce((sum, transfer) => sum + (transfer.stream_bytes ?? 0), 0);
  const attempts = transfers.reduce((sum, { attempt }) => sum + attempt, 0);
  process.stdout.write(
    `power: ${cuts} cuts, ${cuts_with_work} with work left; ${transfers.length} transfers in ${attempts} attempts; ` +
      `streams of ${Math.round(stream_bytes / mib)} MiB, sent ${Math.round(fleet.proxy(0).counts.data_bytes / mib)} MiB\n`,
  );
  expect(transfers.filter(({ state }) => state !== 'completed')).toEqual([]);
  expect(cuts_with_work).toBeGreaterThan(cuts / 2);
  await compareVisible();
  expect(visibleSnapshots()).toHaveLength(transfers.length);
  for (const image of images) {
    const names = readdirSync(path.join(replica.fs.mountpoint, image));
    expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  }
  for (const node of fleet.nodes) expect(await node.stop(), node.logTail()).toBe(0);
  for (const node of fleet.nodes) expect(checkHistory(node.database_file), node.name).toEqual([]);
  expect(await btrfsProcesses(fleet.nodes.map((node) => node.fs.mountpoint))).toEqual([]);
}, 480_000);
