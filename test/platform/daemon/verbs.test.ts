import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransferReport } from '../../../src/core/report.js';
import { Fleet, until } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';

const mebibyte = 1024 * 1024;

describe('what an operator does while transfers run', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 2_048, replica: { top: 'auto_add_images = true' } });
    const directory = path.join(fleet.master.fs.mountpoint, 'big');
    await fleet.master.client.images.add({ name: 'big', create: true });
    await makeImageTree(path.join(directory, 'live'), 1, 256 * mebibyte);
    await fleet.master.client.snapshots.create('big');
    await changeImageTree(path.join(directory, 'live'), 2);
    await fleet.master.client.snapshots.create('big');
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  const hiddenOnReplica = async (): Promise<string[]> =>
    (await readdir(path.join(fleet.replica(0).fs.mountpoint, 'big')).catch(() => [])).filter((name) =>
      name.startsWith('.'),
    );

  const sendAndWaitFor = async (state: string): Promise<TransferReport> => {
    const [sent] = await fleet.master.client.transfers.send({ image: 'big', numbers: ['1'], to: ['1'] });
    if (sent === undefined) throw new Error('no transfer');
    let transfer = sent;
    await until(
      async () => {
        transfer = await fleet.master.client.transfers.get(sent.id);
        return (
          transfer.state === state && (state !== 'sending' || (transfer.progress?.stream_bytes ?? 0) > 0)
        );
      },
      () => `${sent.id} to be ${state}, is ${transfer.state}`,
    );
    return transfer;
  };

  test('cancels in mid-stream, and nothing of it is left on the replica', async () => {
    const transfer = await sendAndWaitFor('sending');
    expect(transfer.progress?.total_bytes ?? 0).toBeGreaterThanOrEqual(0);
    const asked = await fleet.master.client.transfers.cancel(transfer.id);
    expect(['cancelling', 'cancelled']).toContain(asked.state);
    const [last] = await fleet.untilSettled();
    expect(last?.state).toBe('cancelled');
    expect(await hiddenOnReplica()).toEqual([]);
    expect(await fleet.master.client.snapshots.list('big', { node: 'r1' })).toEqual([]);
  });

  test('a snapshot that is being sent is not deleted', async () => {
    const transfer = await sendAndWaitFor('sending');
    await expect(fleet.master.client.snapshots.delete('big', '1')).rejects.toMatchObject({
      code: 'SnapshotInUse',
    });
    await fleet.master.client.transfers.cancel(transfer.id);
    await fleet.untilSettled();
  });

  test('the same send twice is one transfer', async () => {
    const first = await sendAndWaitFor('sending');
    const [second] = await fleet.master.client.transfers.send({ image: 'big', numbers: ['1'], to: ['r1'] });
    expect(second?.id).toBe(first.id);
    await fleet.master.client.transfers.cancel(first.id);
    await fleet.untilSettled();
  });

  test('a replica that is killed in mid-stream leaves a history that says so, and the transfer goes on', async () => {
    const transfer = await sendAndWaitFor('sending');
    await fleet.replica(0).kill();
    await until(
      async () => (await fleet.master.client.transfers.get(transfer.id)).state === 'disconnected',
      () => 'the transfer to notice',
    );
    expect((await fleet.master.client.replicas.list())[0]).toMatchObject({
      state: 'offline',
      transfers_running: 1,
    });
    await fleet.replica(0).start();
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', attempt: 1, failures: 0 });
    const { events } = await fleet.master.client.transfers.history(transfer.id);
    const states = events.map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]);
    expect(states).toEqual([
      'queued',
      'planning',
      'offering',
      'sending',
      'disconnected',
      'sending',
      ...(states.includes('confirming') ? ['confirming'] : []),
      'completed',
    ]);
    const original = path.join(fleet.master.fs.mountpoint, 'big', '1');
    expect(await compareTrees(original, path.join(fleet.replica(0).fs.mountpoint, 'big', '1'))).toEqual([]);
    expect(await hiddenOnReplica()).toEqual([]);
  });

  test('cancelling a completed transfer is refused', async () => {
    const last = (await fleet.untilSettled()).at(-1);
    await expect(fleet.master.client.transfers.cancel(last?.id ?? '')).rejects.toMatchObject({
      code: 'NotAllowedNow',
    });
  });

  test('a transfer waits while its replica is stopped, and both stop and start in order', async () => {
    expect(await fleet.replica(0).stop()).toBe(0);
    const [sent] = await fleet.master.client.transfers.send({ image: 'big', numbers: ['2'], to: ['r1'] });
    await sleep(300);
    expect((await fleet.master.client.transfers.get(sent?.id ?? '')).state).toBe('queued');
    expect(await fleet.master.stop()).toBe(0);
    await fleet.master.start();
    await fleet.replica(0).start();
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', parent: '1', id: sent?.id });
  });

  test('deletes a snapshot on a replica by name, and it can be sent again', async () => {
    const wanted = fleet.master.client.snapshots.delete('big', '2', { node: 'r1' });
    await expect(wanted).rejects.toMatchObject({ code: 'SnapshotInUse' });
    await fleet.master.client.snapshots.delete('big', '2', { node: 'r1', force: true });
    expect(
      (await fleet.master.client.snapshots.list('big', { node: 'r1' })).map(({ number }) => number),
    ).toEqual(['1']);
    await fleet.master.client.transfers.send({ image: 'big', numbers: ['2'], to: ['all'] });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', already_there: false, parent: '1' });
  });

  test('the replica shows the same transfers as receptions', async () => {
    const receptions = await fleet.replica(0).client.transfers.list();
    const transfers = await fleet.master.client.transfers.list();
    expect(receptions.map(({ id }) => id)).toEqual(transfers.map(({ id }) => id));
    expect(receptions[0]).toMatchObject({ state: 'completed', replica: 'r1', hash: transfers[0]?.hash });
  });

  test('a parent that disappears before its turn is replaced by another way', async () => {
    const { client } = fleet.master;
    await changeImageTree(path.join(fleet.master.fs.mountpoint, 'big', 'live'), 3);
    await client.snapshots.create('big');
    await execa('btrfs', ['subvolume', 'delete', path.join(fleet.replica(0).fs.mountpoint, 'big', '2')]);
    await client.transfers.send({ image: 'big', numbers: ['3'], to: ['r1'] });
    const last = (await fleet.untilSettled()).at(-1);
    expect(last).toMatchObject({ state: 'completed', parent: '1' });
  });

  test('every history folds to what is stored', async () => {
    for (const node of fleet.nodes) {
      await node.stop();
      expect(checkHistory(node.database_file)).toEqual([]);
    }
  });
});
