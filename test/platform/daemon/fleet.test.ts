/** Who has what, as real transfers happen; and the figures and probes of real daemons. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CopyReport } from '../../../src/core/fleet_report.js';
import { Fleet, until } from '../../support/fleet.js';
import { readExposition, sampleOf } from '../../support/exposition.js';
import { seededBytes } from '../../support/image_tree.js';

const mib = 1024 * 1024;

let fleet: Fleet;
let source: string;

beforeAll(async () => {
  fleet = await Fleet.start({ replicas: 2, master: { transfers: 'failures_max = 1' } });
  source = await fleet.addImage('vm1');
});
afterAll(async () => {
  await fleet?.dispose();
});

async function copyOn(replica: string): Promise<CopyReport> {
  const { copies } = await fleet.master.client.fleet.report();
  const copy = copies.find((one) => one.replica === replica && one.image === 'vm1');
  if (copy === undefined) throw new Error(`no copy on ${replica}`);
  return copy;
}

async function untilCopy(replica: string, wanted: Partial<CopyReport>): Promise<CopyReport> {
  let copy: CopyReport | undefined;
  await until(
    async () => {
      copy = await copyOn(replica);
      const now: object = copy;
      return Object.entries(wanted).every(([key, value]) => now[key as keyof typeof now] === value);
    },
    () => `${replica} to be ${JSON.stringify(wanted)}: ${JSON.stringify(copy)}`,
  );
  if (copy === undefined) throw new Error('no copy');
  return copy;
}

async function takeSnapshot(bytes: number): Promise<string> {
  writeFileSync(path.join(source, 'disk.img'), seededBytes(bytes, bytes));
  return (await fleet.master.client.snapshots.create('vm1')).number;
}

async function send(number: string, to: string): Promise<string> {
  const [made] = await fleet.master.client.transfers.send({ image: 'vm1', numbers: [number], to: [to] });
  return made?.id ?? '';
}

function get(socketPath: string, at: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: at, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    })
      .on('error', reject)
      .end();
  });
}

test('from empty over in transfer to in sync, and behind by what is newer', async () => {
  await untilCopy('r1', { state: 'in_sync', snapshots_behind: 0 });
  const first = await takeSnapshot(4 * mib);
  const empty = await untilCopy('r1', { state: 'empty', snapshots_behind: 1 });
  const { created_at_ms } = await fleet.master.client.snapshots.get('vm1', first);
  const { at_ms } = await fleet.master.client.fleet.report();
  expect(Math.abs(empty.lag_s - (at_ms - created_at_ms) / 1_000)).toBeLessThan(5);

  const id = await send(first, 'r1');
  expect(['in_transfer', 'in_sync']).toContain((await copyOn('r1')).state);
  await untilCopy('r1', { state: 'in_sync', newest: first, lag_s: 0 });
  expect((await fleet.master.client.transfers.get(id)).state).toBe('completed');
  expect((await copyOn('r2')).state).toBe('empty');

  await takeSnapshot(mib);
  const third = await takeSnapshot(2 * mib);
  const behind = await untilCopy('r1', { state: 'behind', newest: first, snapshots_behind: 2 });
  expect(behind).toMatchObject({ is_online: true, transfers: [], failed_transfer: '' });
  await send(third, 'r1');
  // What lies between is older than the newest that it holds.
  await untilCopy('r1', { state: 'in_sync', newest: third });
});

test('what is done to a replica by way of the master is known at once', async () => {
  const { newest } = await copyOn('r1');
  await fleet.master.client.snapshots.delete('vm1', newest, { node: 'r1', force: true });
  const behind = await untilCopy('r1', { state: 'behind', snapshots_behind: 2 });
  expect(behind.newest).not.toBe(newest);
  await send(newest, 'r1');
  await untilCopy('r1', { state: 'in_sync' });
});

test('a transfer that fails, and a replica that goes away with one waiting for it', async () => {
  const { number } = (await fleet.master.client.snapshots.list('vm1')).at(-1) ?? { number: '' };
  // Another snapshot stands there under the number.
  const theirs = path.join(fleet.replica(1).fs.mountpoint, 'vm1');
  await execa('btrfs', ['subvolume', 'create', path.join(theirs, 'other')]);
  await execa('btrfs', [
    'subvolume',
    'snapshot',
    '-r',
    path.join(theirs, 'other'),
    path.join(theirs, number),
  ]);
  const id = await send(number, 'r2');
  await untilCopy('r2', { state: 'failed', failed_transfer: id });
  await execa('btrfs', ['subvolume', 'delete', path.join(theirs, number)]);

  await fleet.replica(1).stop();
  await untilCopy('r2', { is_online: false, state: 'failed' });
  const again = await send(number, 'r2');
  const waiting = await untilCopy('r2', { is_online: false, state: 'in_transfer' });
  expect(waiting.transfers).toEqual([again]);
  await fleet.replica(1).start();
  await untilCopy('r2', { is_online: true, state: 'in_sync', newest: number, failed_transfer: '' });
});

test('a master that starts anew asks its replicas', async () => {
  await fleet.master.stop();
  await fleet.master.start();
  for (const name of ['r1', 'r2']) {
    await untilCopy(name, { state: 'in_sync', is_online: true });
    await until(
      async () => (await copyOn(name)).known_at_ms !== null,
      () => `${name} to be heard of`,
    );
    expect((await copyOn(name)).state).toBe('in_sync');
  }
});

test('bytes by time: what went is what the figures say', async () => {
  const number = await takeSnapshot(6 * mib);
  await send(number, 'r2');
  await untilCopy('r2', { state: 'in_sync', newest: number });
  const families = readExposition((await get(fleet.master.socket, '/metrics')).text);
  const sent = sampleOf(families, 'icbdrep_sent_stream_bytes_total', { replica: 'r2' });
  expect(sent).toBeGreaterThan(6 * mib);
  let sum = 0;
  await until(
    async () => {
      const { samples } = await fleet.master.client.fleet.throughput('r2', { since_s: 0, step_s: 86_400 });
      sum = samples.reduce((bytes, sample) => bytes + sample.stream_bytes, 0);
      return sum >= sent;
    },
    () => `${sent} bytes to be written down: ${sum}`,
    30_000,
  );
});

test('metrics, liveness and readiness, over the socket of each node', async () => {
  for (const node of fleet.nodes) {
    expect(JSON.parse((await get(node.socket, '/livez')).text)).toMatchObject({ ok: true });
    const ready = await get(node.socket, '/readyz');
    expect(ready.status).toBe(200);
    const { checks } = JSON.parse(ready.text) as { checks: { name: string }[] };
    const wanted = ['database', 'links', 'not_stopping'];
    // A replica is ready without its master.
    const found = checks.map(({ name }) => name);
    expect(found).toEqual(wanted.filter((name) => name !== 'links' || node.role === 'master'));
    const { status, text } = await get(node.socket, '/metrics');
    expect(status).toBe(200);
    const families = readExposition(text);
    expect(sampleOf(families, 'icbdrep_build_info', { role: node.role, node: node.name })).toBe(1);
    expect(sampleOf(families, 'icbdrep_event_loop_delay_max_seconds')).toBeLessThan(10);
  }
  const master = readExposition((await get(fleet.master.socket, '/metrics')).text);
  expect(sampleOf(master, 'icbdrep_replica_online', { replica: 'r1' })).toBe(1);
  expect(sampleOf(master, 'icbdrep_snapshots_behind', { image: 'vm1', replica: 'r2' })).toBe(0);
  expect(sampleOf(master, 'icbdrep_snapshots_behind', { image: 'vm1', replica: 'r1' })).toBe(1);
  expect(
    sampleOf(master, 'icbdrep_replication_lag_seconds', { image: 'vm1', replica: 'r1' }),
  ).toBeGreaterThan(0);
  expect(sampleOf(master, 'icbdrep_transfers', { state: 'completed' })).toBeGreaterThan(3);
  const replica = readExposition((await get(fleet.replica(1).socket, '/metrics')).text);
  expect(sampleOf(replica, 'icbdrep_receptions', { state: 'completed' })).toBeGreaterThan(1);
  expect(sampleOf(replica, 'icbdrep_received_stream_bytes_total', { replica: 'r2' })).toBeGreaterThan(
    6 * mib,
  );
  expect(sampleOf(replica, 'icbdrep_master_linked')).toBe(1);
});

test('a replica leaves such questions to the master', async () => {
  await expect(fleet.replica(0).client.fleet.report()).rejects.toMatchObject({ code: 'NotPermitted' });
  await expect(fleet.replica(0).client.fleet.throughput('r1')).rejects.toMatchObject({
    code: 'NotPermitted',
  });
});
