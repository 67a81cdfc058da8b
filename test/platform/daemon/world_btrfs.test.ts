/** Snapshots that go away, a btrfs that is old, missing, hangs or meets a bad disk, under daemons that work. */
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { appendFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { damage } from '../../support/disk_damage.js';
import { Fleet } from '../../support/fleet.js';
import { changeImageTree, makeImageTree, seededBytes } from '../../support/image_tree.js';
import { makeLoopFs } from '../../support/loopfs.js';
import { btrfsProcesses, theBtrfsProcess } from '../../support/processes.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';

const mib = 1024 * 1024;

let fleet: Fleet | undefined;
afterEach(async () => {
  await fleet?.dispose();
  fleet = undefined;
});

/** An image with one snapshot on the master. */
async function makeVm(running: Fleet, bytes: number): Promise<string> {
  const source = await running.addImage('vm');
  await makeImageTree(source, 1, bytes);
  await running.master.client.snapshots.create('vm');
  return source;
}

async function untilCompleted(running: Fleet, id: string) {
  const transfer = await untilTransfer(running, id, isSettled);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
  return transfer;
}

const visibleNames = (running: Fleet): string[] =>
  readdirSync(path.join(running.replica(0).fs.mountpoint, 'vm')).filter((name) => !name.startsWith('.'));

describe('snapshots that go away in the middle', () => {
  test("the replica's parent: the transfer completes all the same", async () => {
    fleet = await Fleet.start({ size_mb: 512, has_proxies: true });
    const source = await makeVm(fleet, 12 * mib);
    await untilCompleted(fleet, (await send(fleet, 'vm', '1')).id);
    await changeImageTree(source, 2);
    // More than what is on its way while it is held, and clones of what only the parent has.
    writeFileSync(path.join(source, 'a-new.img'), seededBytes(9, 12 * mib));
    await execa('cp', ['--reflink=always', path.join(source, 'disk.img'), path.join(source, 'z-clone.img')]);
    await fleet.master.client.snapshots.create('vm');

    const proxy = fleet.proxy(0);
    const held = proxy.holdDataAt(proxy.counts.data_bytes + 3 * mib);
    const { id } = await send(fleet, 'vm', '2');
    await held;
    const parent = fleet.replica(0).snapshotPath('vm', '1');
    await execa('btrfs', ['subvolume', 'delete', parent]);
    proxy.release();
    await untilCompleted(fleet, id);
    expect(await differences(fleet, 'vm', ['2'])).toEqual([]);
    expect(visibleNames(fleet)).toEqual(['2']);
  });

  test("the master's snapshot: the transfer fails and says why, and nothing of it is visible", async () => {
    fleet = await Fleet.start({ size_mb: 512, has_proxies: true });
    await makeVm(fleet, 24 * mib);
    const held = fleet.proxy(0).holdDataAt(4 * mib);
    const { id } = await send(fleet, 'vm', '1');
    await held;
    const snapshot = fleet.master.snapshotPath('vm', '1');
    // The kernel does not delete what is being sent, nor does icbdrep.
    expect(await execa('btrfs', ['subvolume', 'delete', snapshot], { reject: false })).toMatchObject({
      exitCode: 1,
    });
    await expect(fleet.master.client.snapshots.delete('vm', '1')).rejects.toMatchObject({
      code: 'SnapshotInUse',
    });
    await fleet.master.kill();
    await execa('btrfs', ['subvolume', 'delete', snapshot]);
    fleet.proxy(0).release();
    await fleet.master.start();
    const transfer = await untilTransfer(fleet, id, isSettled);
    expect(transfer).toMatchObject({ state: 'failed', last_error: { code: 'SnapshotNotFound' } });
    expect(transfer.last_error?.message).toContain('vm/1');
    expect(visibleNames(fleet)).toEqual([]);
  });
});

/** A directory with a program `btrfs` that is this script; in it, `$real` is the real one. */
async function fakeBtrfs(script: string): Promise<{ directory: string; PATH: string }> {
  const { stdout: real } = await execa('bash', ['-c', 'command -v btrfs']);
  const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-btrfs-'));
  writeFileSync(path.join(directory, 'btrfs'), `#!/bin/sh\nreal=${real}\n${script}\n`);
  chmodSync(path.join(directory, 'btrfs'), 0o755);
  return { directory, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
}

describe('the program btrfs', () => {
  test('too old for streams of version 2: version 1 is sent', async () => {
    const script = 'if [ "$1" = --version ]; then echo "btrfs-progs v5.10.1"; else exec $real "$@"; fi';
    const { directory, PATH } = await fakeBtrfs(script);
    try {
      fleet = await Fleet.start({ size_mb: 256, replica: { env: { PATH } } });
      await makeVm(fleet, 2 * mib);
      const transfer = await untilCompleted(fleet, (await send(fleet, 'vm', '1')).id);
      expect(transfer.stream_version).toBe(1);
      expect((await fleet.master.client.replicas.list())[0]?.btrfs_progs).toContain('5.10.1');
      expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
    } finally {
      await execa('rm', ['-r', directory]);
    }
  });

  test('missing: the daemon does not start, and says what to install', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-btrfs-'));
    try {
      fleet = await Fleet.make({ size_mb: 256, replica: { env: { PATH: directory } } });
      fleet.replica(0).launch();
      expect(await fleet.replica(0).untilEnded()).toBe(1);
      expect(fleet.replica(0).logTail()).toMatch(/the program btrfs is not installed \[ProgramNotFound\]/);
      expect(fleet.replica(0).logTail()).toMatch(/hint: apt-get install btrfs-progs/);
    } finally {
      await execa('rm', ['-r', directory]);
    }
  });

  test('goes missing while the daemon runs: the transfer says so, and completes when it is back', async () => {
    const { directory, PATH } =
      await fakeBtrfs(`[ ! -e "$0.gone" ] || { echo "no such program" >&2; exit 127; }
      exec $real "$@"`);
    try {
      fleet = await Fleet.start({ size_mb: 256, replica: { env: { PATH } } });
      await makeVm(fleet, 2 * mib);
      const gone = path.join(directory, 'btrfs.gone');
      writeFileSync(gone, '');
      const { id } = await send(fleet, 'vm', '1');
      const waiting = await untilTransfer(fleet, id, ({ last_error }) => last_error !== null);
      expect(waiting.settled).toBe(false);
      await execa('rm', [gone]);
      await untilCompleted(fleet, id);
    } finally {
      await execa('rm', ['-r', directory]);
    }
  });

  test('a send that meets a bad disk: the error of the disk is shown, and it completes when that is repaired', async () => {
    const master_fs = await makeLoopFs({ size_mb: 512 });
    fleet = await Fleet.start({ size_mb: 512, filesystems: { master: master_fs } });
    const source = await fleet.addImage('vm');
    const mark = Buffer.from('this block of the disk is going to be damaged. '.repeat(20));
    const disk = path.join(source, 'disk.img');
    writeFileSync(disk, seededBytes(1, 16 * mib));
    await appendFile(disk, mark);
    await appendFile(disk, seededBytes(2, 4 * mib));
    await fleet.master.client.snapshots.create('vm');
    await execa('btrfs', ['filesystem', 'sync', master_fs.mountpoint]);

    const repair = await damage(master_fs.backing_file, mark);
    const { id } = await send(fleet, 'vm', '1');
    const waiting = await untilTransfer(fleet, id, ({ last_error }) => last_error !== null);
    expect(waiting.settled).toBe(false);
    expect(waiting.last_error).toMatchObject({ code: 'BtrfsFailed', retryable: true });
    expect(waiting.last_error?.message).toContain('Input/output error');
    expect(waiting.last_error?.hint).toContain('dmesg');
    expect(visibleNames(fleet)).toEqual([]);
    await repair();
    await untilCompleted(fleet, id);
    expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
  });

  test('a receive that hangs is ended, and the transfer completes', async () => {
    fleet = await Fleet.start({
      size_mb: 512,
      has_proxies: true,
      replica: { transfers: 'stall_timeout_s = 2' },
    });
    await makeVm(fleet, 40 * mib);
    const held = fleet.proxy(0).holdDataAt(4 * mib);
    const { id } = await send(fleet, 'vm', '1');
    await held;
    const { mountpoint } = fleet.replica(0).fs;
    const { pid } = await theBtrfsProcess(mountpoint, 'receive');
    process.kill(pid, 'SIGSTOP');
    fleet.proxy(0).release();
    await untilCompleted(fleet, id);
    expect(await differences(fleet, 'vm', ['1'])).toEqual([]);
    const { effects } = await fleet.replica(0).client.transfers.history(id);
    expect(effects.some(({ kind, error }) => kind === 'receive' && error?.code === 'Stalled')).toBe(true);
    expect(await btrfsProcesses(fleet.nodes.map((node) => node.fs.mountpoint))).toEqual([]);
  });
});
