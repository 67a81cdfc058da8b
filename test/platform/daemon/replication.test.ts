import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codec_names } from '../../../src/core/codecs.js';
import { Fleet } from '../../support/fleet.js';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';

const mebibyte = 1024 * 1024;

describe('a master and two replicas', () => {
  let fleet: Fleet;
  const copyOf = (index: number, number: string): string =>
    path.join(fleet.replica(index).fs.mountpoint, 'vm1', number);
  const originalOf = (number: string): string => path.join(fleet.master.fs.mountpoint, 'vm1', number);

  beforeAll(async () => {
    fleet = await Fleet.start({ replicas: 2 });
    const source = await fleet.addImage('vm1');
    await makeImageTree(source, 1, 24 * mebibyte);
    for (const seed of [2, 3]) {
      await fleet.master.client.snapshots.create('vm1');
      await changeImageTree(source, seed);
    }
    await fleet.master.client.snapshots.create('vm1');
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test('numbers snapshots by themselves and lists them in order', async () => {
    const snapshots = await fleet.master.client.snapshots.list('vm1');
    expect(snapshots.map(({ number }) => number)).toEqual(['1', '2', '3']);
  });

  test('sends the first in full and the next as increments, to all replicas', async () => {
    const sent = await fleet.master.client.transfers.send({
      image: 'vm1',
      numbers: ['3', '1', '2'],
      to: ['all'],
    });
    expect(sent.map(({ number, replica }) => `${number} ${replica}`)).toEqual([
      '1 r1',
      '1 r2',
      '2 r1',
      '2 r2',
      '3 r1',
      '3 r2',
    ]);
    const transfers = await fleet.untilSettled();
    expect(transfers.map(({ state }) => state)).toEqual(Array(6).fill('completed'));
    expect(transfers.map(({ parent }) => parent)).toEqual([null, null, '1', '1', '2', '2']);
    expect(transfers.every(({ stream_version }) => stream_version === 2)).toBe(true);
    const [full, , increment] = transfers;
    expect(full?.stream_bytes).toBeGreaterThan(24 * mebibyte);
    expect(increment?.stream_bytes).toBeLessThan(4 * mebibyte);
    for (const index of [0, 1]) {
      for (const number of ['1', '2', '3']) {
        expect(await compareTrees(originalOf(number), copyOf(index, number))).toEqual([]);
      }
      expect(await readdir(path.join(fleet.replica(index).fs.mountpoint, 'vm1'))).toEqual(['1', '2', '3']);
    }
  });

  test('a copy has the received_uuid of its original', async () => {
    const originals = await fleet.master.client.snapshots.list('vm1');
    const copies = await fleet.master.client.snapshots.list('vm1', { node: 'r1' });
    expect(copies.map(({ received_uuid }) => received_uuid)).toEqual(originals.map(({ uuid }) => uuid));
  });

  test('the image of a replica shows what was received', async () => {
    const [image] = await fleet.master.client.images.list({ node: 'r2' });
    expect(image).toMatchObject({ name: 'vm1', state: 'present', snapshot_count: 3, newest: '3' });
  });

  test('recognises a snapshot that is there, and sends nothing', async () => {
    await fleet.master.client.transfers.send({ image: 'vm1', numbers: ['2'], to: ['r1'] });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ number: '2', state: 'completed', already_there: true, stream_bytes: 0 });
  });

  test('refuses another snapshot under the same number, and touches nothing', async () => {
    const source = path.join(fleet.master.fs.mountpoint, 'vm1', 'live');
    await changeImageTree(source, 4);
    await fleet.master.client.snapshots.create('vm1', { number: '4' });
    const stranger = path.join(fleet.replica(0).fs.mountpoint, 'stranger');
    await execa('btrfs', ['subvolume', 'create', stranger]);
    await makeImageTree(stranger, 9, mebibyte);
    await execa('btrfs', ['subvolume', 'snapshot', '-r', stranger, copyOf(0, '4')]);
    await fleet.master.client.transfers.send({ image: 'vm1', numbers: ['4'], to: ['r1'] });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'failed', last_error: { code: 'SnapshotConflict' } });
    expect(last?.last_error?.hint).not.toBe('');
    expect(await compareTrees(stranger, copyOf(0, '4'))).toEqual([]);
    expect(await compareTrees(originalOf('1'), copyOf(0, '1'))).toEqual([]);
  });

  test('finds the parent by uuid where the numbers differ', async () => {
    await execa('mv', [copyOf(1, '3'), copyOf(1, 'renamed')]);
    await fleet.master.client.transfers.send({ image: 'vm1', numbers: ['4'], to: ['r2'] });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', parent: '3' });
    expect(await compareTrees(originalOf('4'), copyOf(1, '4'))).toEqual([]);
  });

  test.each(codec_names)('sends with the codec %s', async (codec) => {
    const name = `codec-${codec}`;
    const source = await fleet.addImage(name);
    await makeImageTree(source, 5, 6 * mebibyte);
    await fleet.master.client.snapshots.create(name);
    await fleet.master.client.transfers.send({ image: name, numbers: ['1'], to: ['r1'], codec });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', codec });
    const copy = path.join(fleet.replica(0).fs.mountpoint, name, '1');
    expect(await compareTrees(path.join(fleet.master.fs.mountpoint, name, '1'), copy)).toEqual([]);
  });
});
