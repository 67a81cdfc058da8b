/** Disks that are full, and filesystems that become read-only, under daemons that work. */
import { closeSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { checkHistory } from '../../support/history_check.js';
import { seededBytes } from '../../support/image_tree.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;
/** What the daemon ends with when it cannot commit. */
const fatal_exit_code = 70;

let fleet: Fleet | undefined;
let others: LoopFs[] = [];
afterEach(async () => {
  await fleet?.dispose();
  fleet = undefined;
  for (const other of others) await other.dispose();
  others = [];
});

async function addOther(size_mb: number): Promise<LoopFs> {
  const other = await makeLoopFs({ size_mb });
  others.push(other);
  return other;
}

/** Writes a file until nothing more fits; returns its path. */
function fill(directory: string): string {
  const file = path.join(directory, 'filler');
  const descriptor = openSync(file, 'w');
  try {
    for (let size = mib; size >= 4096; ) {
      try {
        writeSync(descriptor, Buffer.alloc(size, 'f'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        size /= 2;
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return file;
}

async function untilCompleted(running: Fleet, id: string): Promise<void> {
  const transfer = await untilTransfer(running, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
}

test('a full replica: the transfer says so and waits, and completes when there is room', async () => {
  const replica_fs = await makeLoopFs({ size_mb: 320 });
  fleet = await Fleet.start({ size_mb: 512, filesystems: { r1: replica_fs } });
  const source = await fleet.addImage('vm');
  writeFileSync(path.join(source, 'disk.img'), seededBytes(1, 150 * mib));
  await fleet.master.client.snapshots.create('vm');
  // Enough for the daemon to begin, not enough for the image.
  const ballast = path.join(replica_fs.mountpoint, 'ballast');
  await execa('fallocate', ['-l', String(150 * mib), ballast]);

  const { id } = await send(fleet, 'vm', '1');
  const waiting = await untilTransfer(fleet, id, ({ last_error }) => last_error?.code === 'NoSpace');
  expect(waiting.settled).toBe(false);
  expect(waiting.last_error?.hint).toMatch(/free space|delete/);
  expect(readdirSync(path.join(replica_fs.mountpoint, 'vm'))).not.toContain('1');
  rmSync(ballast);
  await execa('btrfs', ['filesystem', 'sync', replica_fs.mountpoint]);
  await untilCompleted(fleet, id);
  expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
});

describe('a full state database', () => {
  test.each(['master', 'r1'])(
    'of %s: the daemon ends with a clear message, and goes on when there is room',
    async (name) => {
      const state = await addOther(128);
      const state_dir = path.join(state.mountpoint, 'state');
      fleet = await Fleet.start({ size_mb: 256, state_dirs: { [name]: state_dir } });
      const source = await fleet.addImage('vm');
      writeFileSync(path.join(source, 'disk.img'), seededBytes(2, 8 * mib));
      await fleet.master.client.snapshots.create('vm');
      const node = fleet.nodes.find((each) => each.name === name) as FleetNode;

      const filler = fill(state.mountpoint);
      // A master that cannot write this down takes no transfer.
      const sent = await send(fleet, 'vm', '1').catch(() => undefined);
      expect(await node.untilEnded()).toBe(fatal_exit_code);
      expect(node.logTail(5)).toMatch(/database or disk is full/);
      expect(node.logTail(5)).toContain('NoSpace');
      expect(node.logTail(5)).toContain(state_dir);

      rmSync(filler);
      await execa('btrfs', ['filesystem', 'sync', state.mountpoint]);
      await node.start();
      await fleet.untilOnline();
      await untilCompleted(fleet, (sent ?? (await send(fleet, 'vm', '1'))).id);
      expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
      for (const each of fleet.nodes) expect(await each.stop(), each.logTail()).toBe(0);
      for (const each of fleet.nodes) expect(checkHistory(each.database_file)).toEqual([]);
    },
  );
});

test("the replica's filesystem becomes read-only in the middle, and writable again", async () => {
  fleet = await Fleet.start({ size_mb: 512, has_proxies: true });
  const source = await fleet.addImage('vm');
  // While the first MiBs of the stream are received no file is open for writing, which would forbid to remount.
  for (let index = 0; index < 15_000; index += 1) writeFileSync(path.join(source, `empty-${index}`), '');
  writeFileSync(path.join(source, 'disk.img'), seededBytes(3, 8 * mib));
  await fleet.master.client.snapshots.create('vm');
  const { mountpoint } = fleet.replica(0).fs;

  const held = fleet.proxy(0).holdDataAt(2.5 * mib);
  const { id } = await send(fleet, 'vm', '1');
  await held;
  // Busy for as long as the last of what was let through is received.
  await until(
    async () => (await execa('mount', ['-o', 'remount,ro', mountpoint], { reject: false })).exitCode === 0,
    () => `${mountpoint} to become read-only`,
  );
  fleet.proxy(0).release();
  const waiting = await untilTransfer(fleet, id, ({ last_error }) =>
    /Read-only file system/.test(last_error?.message ?? ''),
  );
  expect(waiting.settled).toBe(false);
  expect(waiting.last_error?.hint).toMatch(/read-only/);
  await execa('mount', ['-o', 'remount,rw', mountpoint]);
  await untilCompleted(fleet, id);
  expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
  expect(readdirSync(path.join(mountpoint, 'vm'))).toEqual(['1']);
});
