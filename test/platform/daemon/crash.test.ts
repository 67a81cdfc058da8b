import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';

const mebibyte = 1024 * 1024;
const images = ['a', 'b', 'c', 'd', 'e'];
const numbers = ['1', '2'];
const kills_max = 20;
/** A run in which fewer kills hit a moment with work left shows too little. */
const kills_min = 5;

/** A generator of numbers in [0, 1) that a seed repeats. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Processes of btrfs that work on one of these directories. */
async function btrfsProcesses(mountpoints: readonly string[]): Promise<string[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid,args']);
  return stdout
    .split('\n')
    .filter((line) => /btrfs (send|receive)/.test(line) && mountpoints.some((point) => line.includes(point)));
}

describe('kill -9 while twenty transfers run', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({
      replicas: 2,
      size_mb: 2_048,
      master: { transfers: 'slots_per_replica = 3' },
    });
    for (const [index, image] of images.entries()) {
      const source = await fleet.addImage(image);
      await makeImageTree(source, index + 1, 64 * mebibyte);
      await fleet.master.client.snapshots.create(image);
      await changeImageTree(source, index + 50);
      await fleet.master.client.snapshots.create(image);
    }
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  /** Whether transfers are left to do, as far as the master can be asked. */
  const hasWork = async (): Promise<boolean> =>
    (await fleet.master.client.transfers.list().catch(() => [])).some(({ settled }) => !settled);

  test('every transfer completes, once, and nothing is left behind', async () => {
    const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
    process.stdout.write(`crash test: CRASH_SEED=${seed}\n`);
    const random = seededRandom(seed);
    for (const image of images) await fleet.master.client.transfers.send({ image, numbers, to: ['all'] });
    expect(await fleet.master.client.transfers.list()).toHaveLength(20);

    let kills = 0;
    while (kills < kills_max && (await hasWork())) {
      await sleep(20 + random() * 350);
      const node = fleet.nodes[Math.floor(random() * fleet.nodes.length)];
      if (node === undefined) throw new Error('no node');
      await node.kill();
      kills += 1;
      await sleep(random() * 100);
      await node.start();
    }
    process.stdout.write(`crash test: ${kills} kills while transfers ran\n`);
    expect(kills).toBeGreaterThanOrEqual(kills_min);

    const transfers = await fleet.untilSettled();
    expect(transfers.filter(({ state }) => state !== 'completed')).toEqual([]);
    expect(
      transfers.some(({ attempt }) => attempt > 1),
      'no kill hit a transfer',
    ).toBe(true);

    for (const replica of fleet.replicas) {
      for (const image of images) {
        const directory = path.join(replica.fs.mountpoint, image);
        expect(await readdir(directory), `${replica.name} ${image}`).toEqual(numbers);
        for (const number of numbers) {
          const original = path.join(fleet.master.fs.mountpoint, image, number);
          expect(await compareTrees(original, path.join(directory, number))).toEqual([]);
        }
      }
    }
    expect(await btrfsProcesses(fleet.nodes.map((node) => node.fs.mountpoint))).toEqual([]);
    for (const node of fleet.nodes) expect(await node.stop(), node.logTail()).toBe(0);
    for (const node of fleet.nodes) expect(checkHistory(node.database_file), node.name).toEqual([]);
  });
});
