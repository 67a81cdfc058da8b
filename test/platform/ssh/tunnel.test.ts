import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, readlink, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransferReport } from '../../../src/core/report.js';
import type { TunnelReport } from '../../../src/core/tunnel_report.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { seededBytes } from '../../support/image_tree.js';
import { differences, isSettled, untilTransfer } from '../../support/replicate.js';
import { SshServer } from '../../support/ssh_server.js';

const mib = 1024 * 1024;
const image_bytes = 24 * mib;
const transfers = 'checkpoint_mib = 4';
let images = 0;

async function tunnelOf(node: FleetNode): Promise<TunnelReport> {
  const { tunnel } = await node.client.status();
  if (tunnel === undefined || tunnel === null) throw new Error(`${node.name} has no tunnel`);
  return tunnel;
}

async function untilUp(node: FleetNode): Promise<TunnelReport> {
  let tunnel: TunnelReport | undefined;
  await until(
    async () => {
      tunnel = await tunnelOf(node).catch(() => undefined);
      return tunnel?.state === 'up' && tunnel.error === null;
    },
    () => `the tunnel of ${node.name}, now ${JSON.stringify(tunnel)}:\n${node.logTail()}`,
  );
  return tunnel as TunnelReport;
}

/** The master first, so that nobody dials it in vain. */
async function startInOrder(fleet: Fleet): Promise<void> {
  for (const node of fleet.nodes) await node.start();
  await fleet.untilOnline();
}

/** A new image with one snapshot. */
async function makeImage(fleet: Fleet): Promise<string> {
  images += 1;
  const image = `vm${images}`;
  const source = await fleet.addImage(image);
  writeFileSync(path.join(source, 'disk.img'), seededBytes(images, image_bytes));
  await fleet.master.client.snapshots.create(image);
  return image;
}

async function send(fleet: Fleet, image: string, ssh?: boolean): Promise<TransferReport> {
  const request = { image, numbers: ['1'], to: ['r1'], codec: 'none' as const };
  const [transfer] = await fleet.master.client.transfers.send(
    ssh === undefined ? request : { ...request, ssh },
  );
  if (transfer === undefined) throw new Error('no transfer');
  return transfer;
}

/** Ports that a process is connected to by TCP. */
async function tcpPeersOf(pid: number): Promise<number[]> {
  const sockets = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, , remote = '', , , , , , , inode = ''] = row.trim().split(/\s+/);
    return sockets.has(inode) ? [Number.parseInt(remote.split(':')[1] ?? '', 16)] : [];
  });
}

/** Not what is left of a process until somebody asks how it ended. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Sends an image, and does something to the links when a third of it has passed; it must go on, and be whole. */
async function interrupted(fleet: Fleet, ssh: boolean, fault: () => Promise<void>): Promise<void> {
  const image = await makeImage(fleet);
  const proxy = fleet.proxy(0);
  const held = proxy.holdDataAt(proxy.counts.data_bytes + image_bytes / 3);
  const { id } = await send(fleet, image, ssh);
  await held;
  await fault();
  proxy.release();
  const transfer = await untilTransfer(fleet, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed', attempt: 1 });
  expect(transfer.link_losses).toBeGreaterThan(0);
  expect(await differences(fleet, image, ['1'])).toEqual([]);
}

async function restartedAfter(node: FleetNode, fault: (before: TunnelReport) => Promise<void>) {
  const before = await untilUp(node);
  const from_ms = performance.now();
  await fault(before);
  await until(
    async () => (await tunnelOf(node)).restarts > before.restarts,
    () => `the tunnel to be started again:\n${node.logTail()}`,
  );
  const after = await untilUp(node);
  const took_ms = (performance.now() - from_ms).toFixed(0);
  process.stdout.write(`${expect.getState().currentTestName}: up again after ${took_ms} ms\n`);
  expect(after.pid).not.toBe(before.pid);
  expect(isAlive(before.pid as number)).toBe(false);
}

const killClient = async ({ pid }: TunnelReport): Promise<void> => {
  process.kill(pid as number, 'SIGKILL');
};

describe('all links through ssh', () => {
  let server: SshServer;
  let fleet: Fleet;
  beforeAll(async () => {
    server = await SshServer.start();
    const replica = { master: server.masterLines('all'), transfers };
    fleet = await Fleet.make({ size_mb: 512, has_proxies: true, replica });
    await startInOrder(fleet);
  });
  afterAll(async () => {
    await fleet?.dispose();
    await server?.dispose();
  });

  test('nothing else leads from the replica to the master', async () => {
    const image = await makeImage(fleet);
    const { id } = await send(fleet, image);
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed', ssh: false });
    expect(await differences(fleet, image, ['1'])).toEqual([]);
    // The probe, the control link and the data link: each came out of sshd.
    expect(fleet.proxy(0).counts.connections).toBe(3);
    expect(server.forwarded).toBe(3);
    expect(await tcpPeersOf(fleet.replica(0).pid as number)).toEqual([]);
    expect(await tcpPeersOf((await untilUp(fleet.replica(0))).pid as number)).toEqual([server.port]);
    expect((await fleet.replica(0).client.doctor()).checks).toContainEqual(
      expect.objectContaining({ name: 'ssh tunnel', status: 'ok' }),
    );
  });

  test('ssh is killed in mid-transfer: started again, and the same attempt goes on', async () => {
    const replica = fleet.replica(0);
    const { restarts } = await untilUp(replica);
    await interrupted(fleet, false, () => restartedAfter(replica, killClient));
    expect((await tunnelOf(replica)).restarts).toBe(restarts + 1);
  });

  test("the server's end of the session is killed in mid-transfer: the same", async () => {
    const replica = fleet.replica(0);
    await interrupted(fleet, false, () =>
      restartedAfter(replica, async () => {
        expect(await server.killSessions()).toBeGreaterThan(0);
      }),
    );
  });

  test('the server is gone for a while: refused, tried again, and up by itself', async () => {
    const replica = fleet.replica(0);
    await untilUp(replica);
    await server.stop();
    await until(
      async () => (await tunnelOf(replica)).error?.message.includes('Connection refused') === true,
      () => replica.logTail(),
    );
    const { error } = await tunnelOf(replica);
    expect(error).toMatchObject({ code: 'TunnelFailed', retryable: true, subject: server.via });
    expect(error?.hint).toContain('does sshd run');
    await server.run();
    await untilUp(replica);
    await fleet.untilOnline();
  });

  test('a replica that stops takes ssh along, and leaves no socket', async () => {
    const replica = fleet.replica(0);
    const { pid } = await untilUp(replica);
    expect(await readdir(replica.state_dir)).toContain('tunnel.sock');
    expect(await replica.stop()).toBe(0);
    expect(isAlive(pid as number)).toBe(false);
    expect(await readdir(replica.state_dir)).not.toContain('tunnel.sock');
    await replica.start();
    await fleet.untilOnline();
  });

  test('so does one that is killed', async () => {
    const replica = fleet.replica(0);
    const { pid } = await untilUp(replica);
    await replica.kill();
    await until(
      () => !isAlive(pid as number),
      () => `ssh ${pid} to end`,
    );
    await replica.start();
    await fleet.untilOnline();
    expect((await untilUp(replica)).pid).not.toBe(pid);
  });
});

test('an ssh that outlived its replica is ended at the next start', async () => {
  const server = await SshServer.start();
  // Without setpriv nothing ties a process to its parent.
  const programs = path.join(path.dirname(server.key_file), 'programs');
  await mkdir(programs);
  const taken = new Set(['setpriv']);
  for (const directory of (process.env['PATH'] ?? '').split(':').filter(Boolean)) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (!taken.has(name)) await symlink(path.join(directory, name), path.join(programs, name));
      taken.add(name);
    }
  }
  const fleet = await Fleet.make({
    size_mb: 256,
    replica: { master: server.masterLines('all'), env: { PATH: programs } },
  });
  try {
    await fleet.startAll();
    const replica = fleet.replica(0);
    const { pid } = await untilUp(replica);
    await replica.kill();
    expect(isAlive(pid as number)).toBe(true);
    await replica.start();
    expect(isAlive(pid as number)).toBe(false);
    expect(replica.logTail(200)).toContain('ended processes that an earlier daemon left running');
    await fleet.untilOnline();
    expect((await untilUp(replica)).pid).not.toBe(pid);
    await replica.stop();
  } finally {
    await fleet.dispose();
    await server.dispose();
  }
});

describe('data links through ssh when asked', () => {
  let server: SshServer;
  let fleet: Fleet;
  beforeAll(async () => {
    server = await SshServer.start();
    const replica = { master: server.masterLines('asked'), transfers };
    fleet = await Fleet.start({ size_mb: 512, has_proxies: true, replica });
  });
  afterAll(async () => {
    await fleet?.dispose();
    await server?.dispose();
  });

  test('only the stream of a transfer that was sent with ssh goes through', async () => {
    await untilUp(fleet.replica(0));
    const before = server.forwarded;
    const straight = await send(fleet, await makeImage(fleet));
    expect(await untilTransfer(fleet, straight.id, isSettled)).toMatchObject({
      state: 'completed',
      ssh: false,
    });
    expect(server.forwarded).toBe(before);
    const image = await makeImage(fleet);
    const tunnelled = await send(fleet, image, true);
    expect(await untilTransfer(fleet, tunnelled.id, isSettled)).toMatchObject({
      state: 'completed',
      ssh: true,
    });
    expect(server.forwarded).toBe(before + 1);
    expect(await differences(fleet, image, ['1'])).toEqual([]);
    const [reception] = await fleet.replica(0).client.transfers.list({ image });
    expect(reception).toMatchObject({ id: tunnelled.id, ssh: true });
  });

  test('ssh is killed in mid-transfer: only that link is lost, and the same attempt goes on', async () => {
    const replica = fleet.replica(0);
    const before = server.forwarded;
    await interrupted(fleet, true, async () => {
      await restartedAfter(replica, killClient);
      expect((await replica.client.status()).is_linked).toBe(true);
    });
    // The data link, the probe of the new tunnel, and the data link again.
    expect(server.forwarded).toBe(before + 3);
  });
});

test('a replica without a tunnel refuses a transfer that wants one, and says what to do', async () => {
  const fleet = await Fleet.start({ size_mb: 256 });
  try {
    const { id } = await send(fleet, await makeImage(fleet), true);
    const { state, last_error } = await untilTransfer(fleet, id, isSettled);
    expect(state).toBe('failed');
    expect(last_error).toMatchObject({ code: 'InvalidConfig', retryable: false });
    expect(last_error?.hint).toContain('ssh_known_hosts');
  } finally {
    await fleet.dispose();
  }
});

test('links over TLS go through ssh, and the certificate has to be that of the URL', async () => {
  const server = await SshServer.start();
  const fleet = await Fleet.make({ size_mb: 256, tls: true, replica: { master: server.masterLines('all') } });
  try {
    await startInOrder(fleet);
    const image = await makeImage(fleet);
    const { id } = await send(fleet, image);
    expect(await untilTransfer(fleet, id, isSettled)).toMatchObject({ state: 'completed' });
    expect(await differences(fleet, image, ['1'])).toEqual([]);
    expect(server.forwarded).toBe(3);
    const replica = fleet.replica(0);
    const config = await readFile(replica.config_file, 'utf8');
    await replica.stop();
    // The same server under a name that its certificate does not have.
    writeFileSync(replica.config_file, config.replace('wss://127.0.0.1:', 'wss://localhost:'));
    await replica.start();
    await until(
      () => replica.logTail().includes("does not match certificate's altnames"),
      () => replica.logTail(),
    );
    expect((await replica.client.status()).is_linked).toBe(false);
  } finally {
    await fleet.dispose();
    await server.dispose();
  }
});
