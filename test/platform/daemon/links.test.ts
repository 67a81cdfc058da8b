import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet, until } from '../../support/fleet.js';
import { compareTrees } from '../../support/compare_trees.js';
import { makeImageTree } from '../../support/image_tree.js';

describe('links of real daemons', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 256, tls: true });
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test("carry a transfer over TLS, with the image's own codec", async () => {
    const { client } = fleet.master;
    await client.images.add({ name: 'vm', create: true, codec: 'lz4' });
    await client.images.add({ name: 'vm', node: 'r1' });
    await makeImageTree(path.join(fleet.master.fs.mountpoint, 'vm', 'live'), 1, 4 * 1024 * 1024);
    await client.snapshots.create('vm');
    await client.transfers.send({ image: 'vm', numbers: ['1'], to: ['r1'] });
    const [transfer] = await fleet.untilSettled();
    expect(transfer).toMatchObject({ state: 'completed', codec: 'lz4' });
    const copy = path.join(fleet.replica(0).fs.mountpoint, 'vm', '1');
    expect(await compareTrees(path.join(fleet.master.fs.mountpoint, 'vm', '1'), copy)).toEqual([]);
  });

  test('a replica with another secret stays out, both sides say why, and the right one lets it in', async () => {
    const replica = fleet.replica(0);
    const secret_file = path.join(fleet.directory, 'r1.secret');
    const secret = await readFile(secret_file, 'utf8');
    await replica.stop();
    await writeFile(secret_file, 'x'.repeat(40));
    await replica.start();
    await until(
      () => replica.logTail().includes('AuthenticationFailed'),
      () => replica.logTail(),
    );
    expect((await fleet.master.client.replicas.list())[0]?.state).toBe('offline');
    expect((await replica.client.status()).is_linked).toBe(false);
    expect(fleet.master.logTail()).toContain('AuthenticationFailed');
    expect(fleet.master.logTail(1_000) + replica.logTail(1_000)).not.toContain(secret);
    await replica.stop();
    await writeFile(secret_file, secret);
    await replica.start();
    await fleet.untilOnline();
  });
});
