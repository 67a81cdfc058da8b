import { lstatSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lutimes,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TreeDifference, VerifiedCopy, VerifyReport } from '../../../src/core/verify_report.js';
import { Fleet, until } from '../../support/fleet.js';
import { makeImageTree } from '../../support/image_tree.js';

const mebibyte = 1024 * 1024;
const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
const odd_name = Buffer.from('odd \xff\n\\ name', 'latin1');
const odd_shown = 'odd \\xff\\x0a\\\\ name';

async function setMtime(file: string, ns: bigint): Promise<void> {
  const nanoseconds = String(ns % 1_000_000_000n).padStart(9, '0');
  await execa('touch', ['--no-dereference', '-d', `@${ns / 1_000_000_000n}.${nanoseconds}`, file]);
}

/** Runs `work`, and sets the time of what it changed back. */
async function keepingTime(file: string, work: () => Promise<unknown>): Promise<void> {
  const { mtimeNs } = lstatSync(file, { bigint: true });
  await work();
  await setMtime(file, mtimeNs);
}

/** Changes content and nothing else. */
async function damage(file: string, offset_bytes: number): Promise<void> {
  await keepingTime(file, async () => {
    const handle = await open(file, 'r+');
    await handle.write(Buffer.from('damaged'), 0, 7, offset_bytes);
    await handle.close();
  });
}

/** Changes one byte on the disk under a mount point, where `needle` stands on it. */
async function damageDisk(mountpoint: string, needle: Buffer): Promise<void> {
  const { stdout } = await execa('findmnt', ['-n', '-o', 'SOURCE', '--mountpoint', mountpoint]);
  const file = await open(stdout.trim(), 'r+');
  try {
    const chunk = Buffer.alloc(8 * mebibyte);
    for (let offset = 0; ; offset += chunk.length - needle.length) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
      if (bytesRead < needle.length) throw new Error('not found on disk');
      const at = chunk.subarray(0, bytesRead).indexOf(needle);
      if (at === -1) continue;
      await file.write(Buffer.from('X'), 0, 1, offset + at);
      await file.sync();
      return;
    }
  } finally {
    await file.close();
  }
}

const threadsOf = async (pid: number | undefined): Promise<number> =>
  (await readdir(`/proc/${pid}/task`)).length;

type Found = Partial<TreeDifference>;

/** Each kind of difference: what is done to a copy, and what must be found, and nothing else. */
const changes: readonly [name: string, work: (root: string) => Promise<unknown>, found: Found[]][] = [
  [
    'content',
    (root) => damage(`${root}/disk.img`, 5 * mebibyte + 9_000),
    [{ path: 'disk.img', what: 'content', offset_bytes: 5 * mebibyte + 8_192 }],
  ],
  [
    'content behind a mark',
    (root) => damage(`${root}/long.img`, 290 * mebibyte),
    [{ path: 'long.img', what: 'content', offset_bytes: 290 * mebibyte }],
  ],
  [
    'content before a mark',
    (root) => damage(`${root}/long.img`, 7),
    [{ path: 'long.img', what: 'content', offset_bytes: 0 }],
  ],
  [
    'a size',
    (root) => keepingTime(`${root}/long.img`, () => truncate(`${root}/long.img`, 256 * mebibyte)),
    [
      { path: 'long.img', what: 'size', master: '314572800 bytes', copy: '268435456 bytes' },
      { path: 'long.img', what: 'content', offset_bytes: 256 * mebibyte },
    ],
  ],
  [
    'a mode',
    (root) => chmod(`${root}/boot`, 0o4751),
    [{ path: 'boot', what: 'mode', master: '0751', copy: '4751' }],
  ],
  [
    'an owner',
    (root) => chown(`${root}/empty`, 1000, 1002),
    [{ path: 'empty', what: 'owner', master: '1000:1001', copy: '1000:1002' }],
  ],
  [
    'one nanosecond',
    (root) => setMtime(`${root}/disk.img`, 1_600_000_001_000_000_001n),
    [
      {
        path: 'disk.img',
        what: 'mtime',
        master: '2020-09-13T12:26:41.000000000Z',
        copy: '2020-09-13T12:26:41.000000001Z',
      },
    ],
  ],
  [
    'the time of a symlink',
    (root) => lutimes(`${root}/config-symlink`, 7, 7),
    [{ path: 'config-symlink', what: 'mtime', copy: '1970-01-01T00:00:07.000000000Z' }],
  ],
  [
    'where a symlink points',
    (root) =>
      keepingTime(root, async () => {
        const { mtimeNs } = lstatSync(`${root}/config-symlink`, { bigint: true });
        await rm(`${root}/config-symlink`);
        await symlink('elsewhere', `${root}/config-symlink`);
        await setMtime(`${root}/config-symlink`, mtimeNs);
      }),
    [{ path: 'config-symlink', what: 'target', master: 'boot/config-hard-link.ini', copy: 'elsewhere' }],
  ],
  [
    'an xattr that is another',
    (root) => execa('setfattr', ['-n', 'trusted.note', '-v', 'two', `${root}/boot`]),
    [{ path: 'boot', what: 'xattr', xattr: 'trusted.note', master: '0x6f6e65', copy: '0x74776f' }],
  ],
  [
    'an xattr that is gone, and one too many',
    async (root) => {
      await execa('setfattr', ['-x', 'user.long', `${root}/sparse.img`]);
      await execa('setfattr', ['-n', 'user.new', '-v', '', `${root}/sparse.img`]);
    },
    [
      { path: 'sparse.img', what: 'xattr', xattr: 'user.long', copy: 'none' },
      { path: 'sparse.img', what: 'xattr', xattr: 'user.new', master: 'none', copy: '0x' },
    ],
  ],
  [
    'a device number',
    (root) =>
      keepingTime(root, async () => {
        const { mtimeNs } = lstatSync(`${root}/console`, { bigint: true });
        await rm(`${root}/console`);
        await execa('mknod', [`${root}/console`, 'c', '300', '70000']);
        await setMtime(`${root}/console`, mtimeNs);
      }),
    [{ path: 'console', what: 'device', master: '5:1', copy: '300:70000' }],
  ],
  [
    'a type',
    (root) =>
      keepingTime(root, async () => {
        await rm(`${root}/fifo`);
        await mkdir(`${root}/fifo`);
      }),
    [{ path: 'fifo', what: 'type', master: 'fifo', copy: 'directory' }],
  ],
  [
    'a file that is missing and one too many, with names that are no text',
    (root) =>
      keepingTime(root, () =>
        rename(
          Buffer.concat([Buffer.from(`${root}/`), odd_name]),
          Buffer.concat([Buffer.from(`${root}/`), odd_name, Buffer.from('\xfe', 'latin1')]),
        ),
      ),
    [
      { path: odd_shown, path_base64: odd_name.toString('base64'), what: 'missing', master: 'file' },
      { path: `${odd_shown}\\xfe`, what: 'extra', copy: 'file' },
    ],
  ],
  [
    'a hard link that is a file of its own',
    (root) =>
      keepingTime(`${root}/boot`, async () => {
        const { mtimeNs } = lstatSync(`${root}/config.ini`, { bigint: true });
        const content = await readFile(`${root}/config.ini`);
        await rm(`${root}/boot/config-hard-link.ini`);
        await writeFile(`${root}/boot/config-hard-link.ini`, content, { mode: 0o640 });
        await execa('setfattr', ['-n', 'user.seed', '-v', '1', `${root}/boot/config-hard-link.ini`]);
        await setMtime(`${root}/boot/config-hard-link.ini`, mtimeNs);
      }),
    [
      {
        path: 'boot/config-hard-link.ini',
        what: 'links',
        master: '2 names, the first is boot/config-hard-link.ini',
        copy: 'one name',
      },
      { path: 'config.ini', what: 'links', copy: 'one name' },
    ],
  ],
  [
    'a hard link of another file',
    (root) =>
      keepingTime(root, async () => {
        await rm(`${root}/fifo`);
        await link(`${root}/console`, `${root}/fifo`);
      }),
    [
      { path: 'console', what: 'links', master: 'one name', copy: '2 names, the first is console' },
      { path: 'fifo', what: 'type', master: 'fifo', copy: 'character device' },
    ],
  ],
];

describe('snapshot verify', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 4_096, replicas: 2, replica: { top: 'auto_add_images = true' } });
    const source = await fleet.addImage('vm');
    await makeImageTree(source, 1, 8 * mebibyte);
    await writeFile(Buffer.concat([Buffer.from(`${source}/`), odd_name]), 'named by bytes');
    await execa('mknod', [path.join(source, 'console'), 'c', '5', '1']);
    await execa('mkfifo', [path.join(source, 'fifo')]);
    await execa('setfattr', ['-n', 'trusted.note', '-v', 'one', path.join(source, 'boot')]);
    await execa('setfattr', ['-n', 'user.long', '-v', 'long '.repeat(20), path.join(source, 'sparse.img')]);
    await execa('btrfs', ['subvolume', 'create', path.join(source, 'nested subvolume')]);
    // Longer than the distance of two marks: 300 MiB, most of it a hole.
    await writeFile(path.join(source, 'long.img'), '');
    await truncate(path.join(source, 'long.img'), 300 * mebibyte);
    await fleet.master.client.snapshots.create('vm', { number: '1' });
    // One hole, which takes long to hash.
    const long = path.join(await fleet.addImage('long'), 'hole');
    await writeFile(long, '');
    await truncate(long, 64 * 1024 * mebibyte);
    await fleet.master.client.snapshots.create('long', { number: '1' });
    await fleet.master.client.transfers.send({ image: 'long', numbers: ['1'], to: ['r2'] });
    await fleet.master.client.transfers.send({ image: 'vm', numbers: ['1'], to: ['all'] });
    const transfers = await fleet.untilSettled();
    const failed = transfers.filter(({ state }) => state !== 'completed');
    if (failed.length > 0) throw new Error(JSON.stringify(failed));
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  const copyOn = (index: number): string => path.join(fleet.replica(index).fs.mountpoint, 'vm', '1');

  const verify = async (node?: string, number = '1'): Promise<VerifyReport> => {
    let report = await fleet.master.client.snapshots.verify('vm', number, { node });
    await until(
      async () => {
        report = await fleet.master.client.snapshots.verification(report.id);
        return report.state !== 'running';
      },
      () => `verification to end: ${JSON.stringify(report)}`,
    );
    return report;
  };

  const cli = async (...args: string[]) =>
    execa(process.execPath, [program, ...args, '--socket', fleet.master.socket], { reject: false });

  test('equal copies are equal, on all replicas and on one', async () => {
    const all = await verify();
    expect(all.error).toBeNull();
    expect(all.copies.map(({ node, state }) => [node, state])).toEqual([
      ['r1', 'equal'],
      ['r2', 'equal'],
    ]);
    expect(all.master).toMatchObject({ phase: 'done', total_bytes: all.master.bytes });
    expect(all.copies[0]).toMatchObject({ entries: all.master.entries, bytes: all.master.bytes });
    const one = await verify('2');
    expect(one.copies.map(({ node, state }) => [node, state])).toEqual([['r2', 'equal']]);
  });

  test('the command says so, with exit code 0', async () => {
    const text = await cli('snapshot', 'verify', 'vm', '1');
    expect(text).toMatchObject({ exitCode: 0, stderr: '' });
    expect(text.stdout).toMatch(/^snapshot vm\/1: \d+ entries, .* MiB, in .*\nr1: equal\nr2: equal$/);
    const json = await cli('snapshot', 'verify', 'vm', '1', '--node', 'r2', '--json');
    expect(json.exitCode).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      state: 'finished',
      copies: [{ node: 'r2', state: 'equal' }],
    });
  });

  /** The differences besides that of the identity, which a snapshot loses when it is made writable. */
  const differencesOf = async (): Promise<TreeDifference[]> => {
    const report = await verify('r1');
    expect(report.error).toBeNull();
    const [copy] = report.copies as [VerifiedCopy];
    expect(copy.state).toBe('different');
    expect(copy.more).toBe(false);
    expect(copy.differences[0]).toMatchObject({ path: '.', what: 'identity' });
    return copy.differences.slice(1);
  };

  /** A copy that is as it was received but for what `work` does to it. */
  const remake = async (work: (root: string) => Promise<unknown>): Promise<void> => {
    const copy = copyOn(0);
    const original = path.join(path.dirname(copy), '.original');
    if (lstatSync(original, { throwIfNoEntry: false }) === undefined) await rename(copy, original);
    else await execa('btrfs', ['subvolume', 'delete', copy]);
    await execa('btrfs', ['subvolume', 'snapshot', original, copy]);
    await work(copy);
    await execa('btrfs', ['property', 'set', '-ts', copy, 'ro', 'true']);
  };

  test('another identity under the number is found, and nothing else if all else is the same', async () => {
    await remake(async () => {});
    expect(await differencesOf()).toEqual([]);
  });

  test.each(changes)('finds %s', async (_name, work, found) => {
    await remake(work);
    const differences = await differencesOf();
    expect(differences).toMatchObject(found);
    expect(differences).toHaveLength(found.length);
  });

  test('the command lists what differs, with exit code 1', async () => {
    await remake((root) => chmod(`${root}/boot`, 0o700));
    const text = await cli('snapshot', 'verify', 'vm', '1');
    expect(text.exitCode).toBe(1);
    expect(text.stdout).toMatch(/^r1: different: 2 differences$/m);
    expect(text.stdout).toContain('\n  boot: mode differs: 0751 on the master, 0700 on the copy\n');
    expect(text.stdout).toMatch(/^r2: equal$/m);
  });

  test('a file that the disk cannot read is told, and the rest is compared', async () => {
    const disk = fleet.replica(1).fs;
    const needle = Buffer.from('to be damaged on disk '.repeat(400));
    await writeFile(path.join(fleet.master.fs.mountpoint, 'vm', 'live', 'fragile'), needle);
    await fleet.master.client.snapshots.create('vm', { number: '2' });
    await fleet.master.client.transfers.send({ image: 'vm', numbers: ['2'], to: ['r2'] });
    await fleet.untilSettled();
    await execa('btrfs', ['filesystem', 'sync', disk.mountpoint]);
    await damageDisk(disk.mountpoint, needle.subarray(0, 64));
    const fragile = path.join(disk.mountpoint, 'vm', '2', 'fragile');
    await execa('dd', [`if=${fragile}`, 'iflag=nocache', 'count=0']);
    const report = await verify('r2', '2');
    expect(report.copies).toMatchObject([
      { state: 'different', differences: [{ path: 'fragile', what: 'unreadable', master: '' }] },
    ]);
    expect(report.copies[0]?.differences).toHaveLength(1);
  });

  test('what a replica does not hold is missing; an image that it does not hold is left out', async () => {
    await fleet.master.client.snapshots.create('vm', { number: '3' });
    const missing = await verify('1', '3');
    expect(missing.copies).toMatchObject([
      { node: 'r1', state: 'missing', error: { code: 'SnapshotNotFound' } },
    ]);
    await fleet.master.client.images.remove('vm', { node: 'r1' });
    const others = await verify();
    expect(others.copies.map(({ node }) => node)).toEqual(['r2']);
    expect(others.skipped).toEqual([{ node: 'r1', reason: 'it does not hold the image vm' }]);
    const named = await verify('r1');
    expect(named.copies).toMatchObject([{ state: 'missing', error: { code: 'ImageNotFound' } }]);
    await fleet.master.client.images.add({ name: 'vm', node: 'r1' });
  });

  test('errors are told at once: no such snapshot, the master itself, a replica asked', async () => {
    const { client } = fleet.master;
    await expect(client.snapshots.verify('vm', '9')).rejects.toMatchObject({ code: 'SnapshotNotFound' });
    await expect(client.snapshots.verify('vm', '1', { node: 'master' })).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
    await expect(client.snapshots.verify('vm', '1', { node: 'r9' })).rejects.toMatchObject({
      code: 'ReplicaNotFound',
    });
    await expect(client.snapshots.verification('none')).rejects.toMatchObject({ code: 'Interrupted' });
    await expect(fleet.replica(0).client.snapshots.verify('vm', '1')).rejects.toMatchObject({
      code: 'NotPermitted',
    });
  });

  test('cancelled, it ends at once, and the threads of all nodes with it', async () => {
    const nodes = [fleet.master, fleet.replica(1)];
    const before = await Promise.all(nodes.map(({ pid }) => threadsOf(pid)));
    const { id } = await fleet.master.client.snapshots.verify('long', '1', { node: 'r2' });
    await until(
      async () => (await fleet.master.client.snapshots.verification(id)).copies[0]?.phase === 'hashing',
      () => 'hashing to begin',
    );
    expect(await fleet.master.client.snapshots.cancelVerification(id)).toMatchObject({
      state: 'cancelled',
      error: { code: 'Cancelled' },
    });
    await until(
      async () =>
        JSON.stringify(await Promise.all(nodes.map(({ pid }) => threadsOf(pid)))) === JSON.stringify(before),
      () => 'the threads to end',
    );
  });

  test('a replica that is offline is left out, and an error if it is named', async () => {
    await fleet.replica(0).stop();
    await until(
      async () => (await fleet.master.client.replicas.list())[0]?.state === 'offline',
      () => 'r1 to be offline',
    );
    const report = await verify();
    expect(report.copies.map(({ node, state }) => [node, state])).toEqual([['r2', 'equal']]);
    expect(report.skipped).toEqual([{ node: 'r1', reason: 'it is offline' }]);
    await expect(fleet.master.client.snapshots.verify('vm', '1', { node: 'r1' })).rejects.toMatchObject({
      code: 'ReplicaOffline',
    });
  });

  test('a replica that is restarted in between is a failure, which can be tried again', async () => {
    const { id } = await fleet.master.client.snapshots.verify('long', '1', { node: 'r2' });
    await until(
      async () => (await fleet.master.client.snapshots.verification(id)).copies[0]?.phase === 'hashing',
      () => 'hashing to begin',
    );
    await fleet.replica(1).kill();
    await fleet.replica(1).start();
    let report: VerifyReport | undefined;
    await until(
      async () => {
        report = await fleet.master.client.snapshots.verification(id);
        return report.state !== 'running';
      },
      () => 'verification to end',
    );
    // Its scan died with it.
    expect(report?.copies).toMatchObject([{ state: 'failed', error: { code: 'Interrupted' } }]);
  });
});
