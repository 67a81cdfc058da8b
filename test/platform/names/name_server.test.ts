import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NameReport } from '../../../src/core/name_report.js';
import { compareTrees } from '../../support/compare_trees.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { freePort } from '../../support/fleet_config.js';
import { makeImageTree } from '../../support/image_tree.js';
import { Daemon, makeSecret, nsList, runDaemon } from './daemon.js';

const lease_s = 6;
const all_names = ['icbdrep.master', 'icbdrep.nameserver', 'icbdrep.replica.r1', 'icbdrep.replica.r2'];

/** Lets a node register at the name server; a replica also looks there for its master. */
async function registerAt(node: FleetNode, port: number, secret_file: string): Promise<void> {
  const text = await readFile(node.config_file, 'utf8');
  const names = `[names]\nserver = "ws://127.0.0.1:${port}"\nsecret_file = "${secret_file}"\nlease_s = ${lease_s}\n`;
  const serve = node.role === 'master' ? 'serve = false\n' : '';
  const without_url = node.role === 'master' ? text : text.replace(/^url = .*$/m, '');
  await writeFile(node.config_file, `${without_url}\n${names}${serve}`);
}

const namesAt = async (node: FleetNode): Promise<string[]> =>
  (await node.client.names.list()).map(({ name }) => name);

describe('a name server of its own', () => {
  let fleet: Fleet;
  let names: Daemon;
  beforeAll(async () => {
    fleet = await Fleet.make({ replicas: 2, size_mb: 256 });
    const port = await freePort();
    const lines = [
      `[listen]\nport = ${port}`,
      '[names]\nauto_clean_s = 1',
      ...(await Promise.all(
        fleet.nodes.map(async (node) => {
          const secret = await makeSecret(path.join(fleet.directory, `${node.name}.names.secret`));
          await registerAt(node, port, secret);
          return `[[nodes]]\nname = "${node.name}"\nrole = "${node.role}"\nsecret_file = "${secret}"`;
        }),
      )),
    ];
    const directory = path.join(fleet.directory, 'names');
    names = await Daemon.make({ role: 'nameserver', name: 'names', directory }, lines);
    await names.start();
    await fleet.startAll();
  });
  afterAll(async () => {
    await names?.end('SIGKILL');
    await fleet?.dispose();
  });

  async function untilNames(
    wanted: (reports: readonly NameReport[]) => boolean,
    what: string,
  ): Promise<NameReport[]> {
    let reports: NameReport[] = [];
    await until(
      async () => {
        reports = await names.client.names.list().catch(() => []);
        return wanted(reports);
      },
      () => `${what}: ${JSON.stringify(reports)}\n${names.log.slice(-2_000)}`,
    );
    return reports;
  }

  async function replicate(image: string): Promise<void> {
    const source = await fleet.addImage(image);
    await makeImageTree(source, 3, 4 * 1024 * 1024);
    await fleet.master.client.snapshots.create(image);
    await fleet.master.client.transfers.send({ image, numbers: ['1'], to: ['all'] });
    const transfers = await fleet.untilSettled();
    expect(transfers.slice(-2).map(({ state }) => state)).toEqual(['completed', 'completed']);
    for (const replica of fleet.replicas) {
      const differences = await compareTrees(
        fleet.master.snapshotPath(image, '1'),
        replica.snapshotPath(image, '1'),
      );
      expect(differences).toEqual([]);
    }
  }

  test('tells the replicas where the master is, and snapshots are replicated', async () => {
    await untilNames((reports) => reports.length === all_names.length, 'all to register');
    await replicate('vm1');
    const status = await fleet.replica(0).client.status();
    const { address } = await names.client.names.lookup('icbdrep.master');
    expect(status).toMatchObject({ is_linked: true, link_address: address });
  });

  test('icbdrep ns list says the same at each daemon', async () => {
    const own = await nsList(names.socket);
    expect(own.map(({ name }) => name)).toEqual(all_names);
    expect(own.map(({ state }) => state)).toEqual(Array(4).fill('reachable'));
    const master = own.find(({ name }) => name === 'icbdrep.master');
    expect(master).toMatchObject({ owner: 'master', lease_s });
    expect(master?.metadata).toContain('role=master');
    for (const node of fleet.nodes) {
      expect((await nsList(node.socket)).map(({ name }) => name)).toEqual(all_names);
    }
    expect(await names.client.status()).toMatchObject({ role: 'nameserver', names: 4 });
  });

  test('a node may not take the name of another', async () => {
    const stolen = { name: 'icbdrep.replica.r2', address: 'a:1' };
    await expect(fleet.replica(0).client.names.register(stolen)).rejects.toMatchObject({
      code: 'NotPermitted',
    });
    const master = { name: 'icbdrep.master', address: 'ws://127.0.0.1:1' };
    await expect(fleet.replica(0).client.names.register(master)).rejects.toMatchObject({
      code: 'NotPermitted',
    });
    await expect(names.client.names.remove({ name: 'icbdrep.nameserver' })).rejects.toMatchObject({
      code: 'NotPermitted',
    });
  });

  test('it has no images, is not started twice, and checks its config', async () => {
    await expect(names.client.images.list()).rejects.toMatchObject({ code: 'NotPermitted' });
    await expect(names.client.transfers.list()).rejects.toMatchObject({ code: 'NotPermitted' });
    expect(await runDaemon(names.place, '--check')).toMatchObject({ code: 0 });
    const second = await runDaemon(names.place);
    expect(second.code).toBe(14);
    expect(second.said).toContain('AlreadyRunning');
    const secret = path.join(fleet.directory, 'r1.names.secret');
    await chmod(secret, 0o644);
    expect(await runDaemon(names.place, '--check')).toMatchObject({ code: 2 });
    await chmod(secret, 0o600);
  });

  test('killed and started again, it has lost no registration, and everything goes on', async () => {
    const before = await names.client.names.list();
    await names.client.names.register({ name: 'of.operator', address: 'a:1' });
    await names.end('SIGKILL');
    await replicate('vm2');
    await names.start();
    const at_ms = Date.now();
    const kept = await names.client.names.list();
    expect(kept.map(({ name }) => name)).toEqual(
      [...before.map(({ name }) => name), 'of.operator'].toSorted(),
    );
    await untilNames(
      (reports) =>
        reports.filter(({ owner, renewed_at_ms }) => owner !== 'operator' && renewed_at_ms >= at_ms).length >=
        3,
      'all to renew',
    );
    expect(await names.client.names.removed()).toEqual([]);
    expect(await names.client.names.remove({ name: 'of.operator' })).toEqual({
      removed: 1,
      names: ['of.operator'],
    });
  });

  test('the master moves to another port, and the replicas find it there', async () => {
    const { master } = fleet;
    const { address } = await names.client.names.lookup('icbdrep.master');
    await master.stop();
    const port = await freePort();
    const text = await readFile(master.config_file, 'utf8');
    await writeFile(master.config_file, text.replace(/^port = .*$/m, `port = ${port}`));
    await master.start();
    await fleet.untilOnline();
    const moved = await names.client.names.lookup('icbdrep.master');
    expect(moved.address).toBe(`ws://127.0.0.1:${port}`);
    expect(moved.address).not.toBe(address);
    await replicate('vm3');
  });

  test('a replica that stops is unreachable, and then it is removed with the reason', async () => {
    const name = 'icbdrep.replica.r2';
    await fleet.replica(1).stop();
    const reports = await untilNames(
      (all) => all.some((report) => report.name === name && report.state === 'unreachable'),
      'r2 to be unreachable',
    );
    expect(reports.find((report) => report.name === name)?.state_reason).not.toBe('');
    await untilNames((all) => !all.some((report) => report.name === name), 'r2 to be removed');
    const [removed] = await names.client.names.removed();
    expect(removed).toMatchObject({ name, owner: 'r2' });
    expect(removed?.reason).toMatch(/^its lease of 6 s was not renewed; /);
    await fleet.replica(1).start();
    await untilNames(
      (all) => all.some((report) => report.name === name && report.state === 'reachable'),
      'r2 to be back',
    );
  });

  test('it stops in order', async () => {
    expect(await names.end('SIGTERM')).toBe(0);
    expect(names.log).not.toContain('stopping failed');
  });
});

describe('the name server inside a master', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 256 });
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test('serves by default, over the control links', async () => {
    const wanted = ['icbdrep.master', 'icbdrep.nameserver', 'icbdrep.replica.r1'];
    await until(
      async () => (await namesAt(fleet.master)).length === 3,
      () => fleet.master.logTail(),
    );
    expect(await namesAt(fleet.master)).toEqual(wanted);
    expect((await nsList(fleet.replica(0).socket)).map(({ name }) => name)).toEqual(wanted);
    const { address, metadata } = await fleet.master.client.names.lookup('icbdrep.replica.r1');
    expect(address).toContain('control.sock');
    expect(metadata).toContain('role=replica');
    // It learns its number only after it has registered for the first time.
    await until(
      async () => (await fleet.master.client.names.lookup('icbdrep.replica.r1')).metadata.includes('id=1'),
      () => 'the number to be registered as well',
    );
  });

  test('knows from the replica actor whether a replica can be reached, and keeps all when it is killed', async () => {
    const { master } = fleet;
    const stateOf = async (): Promise<string> =>
      (await master.client.names.lookup('icbdrep.replica.r1')).state;
    const replica = fleet.replica(0);
    await replica.kill();
    await until(
      async () => (await stateOf()) === 'unreachable',
      () => master.logTail(),
    );
    await master.client.names.register({ name: 'of.operator', address: 'a:1' });
    await master.kill();
    await master.start();
    expect(await namesAt(master)).toEqual([
      'icbdrep.master',
      'icbdrep.nameserver',
      'icbdrep.replica.r1',
      'of.operator',
    ]);
    expect(await stateOf()).toBe('unreachable');
    await replica.start();
    await until(
      async () => (await stateOf()) === 'reachable',
      () => master.logTail(),
    );
  });
});
