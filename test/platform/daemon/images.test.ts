import { existsSync, realpathSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IcbdError } from '../../../src/core/errors.js';
import { Fleet, type FleetNode } from '../../support/fleet.js';

const cli = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was thrown',
    (error: IcbdError) => error.code,
  );

let fleet: Fleet;
const client = () => fleet.master.client;
const at = (node: FleetNode, ...parts: string[]): string => path.join(node.fs.mountpoint, ...parts);

beforeAll(async () => {
  fleet = await Fleet.start({ size_mb: 256, replicas: 2 });
});
afterAll(async () => {
  await fleet?.dispose();
});

/** Every way to name a node from the master; undefined is the master that is asked. */
const ways: [string, string | undefined, () => FleetNode][] = [
  ['the master', undefined, () => fleet.master],
  ['the master by name', 'master', () => fleet.master],
  ['the master by number', '0', () => fleet.master],
  ['a replica by name', 'r1', () => fleet.replica(0)],
  ['a replica by number', '2', () => fleet.replica(1)],
];

describe.each(ways)('the repository of %s', (_way, node, nodeOf) => {
  const image = `vm of ${node ?? 'none'}`;
  const there = (...parts: string[]): string => at(nodeOf(), image, ...parts);
  const numbers = async (): Promise<string[]> =>
    (await client().snapshots.list(image, { node })).map(({ number }) => number);

  test('has no image that was not added', async () => {
    expect(await client().images.has(image, { node })).toBe(false);
    const asked: (() => Promise<unknown>)[] = [
      () => client().images.get(image, { node }),
      () => client().images.rescan(image, { node }),
      () => client().images.remove(image, { node }),
      () => client().snapshots.list(image, { node }),
      () => client().snapshots.list(image, { node, needs: true }),
      () => client().snapshots.has(image, '1', { node }),
      () => client().snapshots.last(image, { node }),
      () => client().snapshots.get(image, '1', { node }),
      () => client().snapshots.create(image, { node }),
      () => client().snapshots.add(image, '1', { node }),
      () => client().snapshots.delete(image, '1', { node }),
      () => client().snapshots.delete(image, '1', { node, force: true }),
    ];
    for (const ask of asked) expect(await codeOf(ask())).toBe('ImageNotFound');
  });

  test('adds one with what is on disk already, once, and only where btrfs is', async () => {
    const plain = `plain ${image}`;
    await writeFile(at(nodeOf(), plain), '');
    expect(await codeOf(client().images.add({ name: plain, node }))).toBe('DirNotFound');
    await rm(at(nodeOf(), plain));
    await mkdir(at(nodeOf(), plain));
    await execa('mount', ['-t', 'tmpfs', 'tmpfs', at(nodeOf(), plain)]);
    try {
      expect(await codeOf(client().images.add({ name: plain, node }))).toBe('BtrfsPathNotFound');
    } finally {
      await execa('umount', [at(nodeOf(), plain)]);
    }
    const source = there('nowhere');
    expect(await codeOf(client().images.add({ name: image, source, node }))).toBe('BtrfsSubvolumeNotFound');

    await mkdir(there());
    await execa('btrfs', ['subvolume', 'create', there('live')]);
    for (const name of ['9', 'beta', '10', 'alpha']) {
      await execa('btrfs', ['subvolume', 'snapshot', '-r', there('live'), there(name)]);
    }
    const added = await client().images.add({ name: image, node });
    expect(added).toMatchObject({ state: 'present', path: there(), snapshot_count: 4, newest: '10' });
    expect(await codeOf(client().images.add({ name: image, node }))).toBe('ImageAlreadyExists');
    expect(await client().images.has(image, { node })).toBe(true);
    expect((await client().images.list({ node })).map(({ name }) => name)).toContain(image);
  });

  test('shows it with its path, and its snapshots in order', async () => {
    expect(await client().images.get(image, { node })).toMatchObject({
      path: there(),
      source: there('live'),
      snapshot_count: 4,
      newest: '10',
      last: { number: '10' },
      needs: [],
    });
    // Numbers by value, then names by creation, and not by their letters.
    expect(await numbers()).toEqual(['9', '10', 'beta', 'alpha']);
    const last = await client().snapshots.last(image, { node });
    expect(last).toMatchObject({
      image,
      number: '10',
      mountpoint: nodeOf().fs.mountpoint,
      image_path: there(),
      path: there('10'),
    });
    expect(await client().snapshots.get(image, '10', { node })).toEqual(last);
    expect(await client().snapshots.has(image, '10', { node })).toBe(true);
    expect(await client().snapshots.has(image, '11', { node })).toBe(false);
    expect(await codeOf(client().snapshots.get(image, '11', { node }))).toBe('SnapshotNotFound');
  });

  test('takes in a subvolume that others made, and keeps it as it is', async () => {
    await execa('btrfs', ['subvolume', 'create', there('11')]);
    await writeFile(there('11', 'disk'), 'content');
    expect(await client().snapshots.add(image, '11', { node })).toMatchObject({ path: there('11') });
    await expect(writeFile(there('11', 'more'), '')).rejects.toMatchObject({ code: 'EROFS' });
    expect(existsSync(there('11', 'disk'))).toBe(true);
    expect(await codeOf(client().snapshots.add(image, '11', { node }))).toBe('SnapshotAlreadyExists');
    expect(await codeOf(client().snapshots.create(image, { number: '11', node }))).toBe(
      'SnapshotAlreadyExists',
    );
    expect(await codeOf(client().snapshots.add(image, '12', { node }))).toBe('BtrfsSubvolumeNotFound');
    await mkdir(there('directory'));
    expect(await codeOf(client().snapshots.add(image, 'directory', { node }))).toBe('BtrfsSubvolumeNotFound');
    expect(await codeOf(client().snapshots.add(image, '../x', { node }))).toBe('InvalidArgument');
  });

  test("never makes the image's own source read-only", async () => {
    const error = await client()
      .snapshots.add(image, 'live', { node })
      .catch((thrown: IcbdError) => thrown);
    expect(error).toMatchObject({ code: 'InvalidArgument' });
    expect((error as IcbdError).message).toContain('is the source');
    await writeFile(there('live', 'goes on'), '');
  });

  test('takes a snapshot of another subvolume of the same filesystem', async () => {
    await execa('btrfs', ['subvolume', 'create', there('work')]);
    await writeFile(there('work', 'disk'), 'work');
    const from = there('work');
    expect(await client().snapshots.add(image, '12', { from, node })).toMatchObject({ number: '12' });
    expect(existsSync(there('12', 'disk'))).toBe(true);
    await writeFile(there('work', 'goes on'), '');
    const code = codeOf;
    expect(await code(client().snapshots.add(image, '12', { from, node }))).toBe('SnapshotAlreadyExists');
    expect(await code(client().snapshots.add(image, '13', { from: there('none'), node }))).toMatch(
      /^(BtrfsSubvolumeNotFound|NotPermitted)$/,
    );
    expect(await code(client().snapshots.add(image, '13', { from: 'work', node }))).toMatch(
      /^(InvalidArgument|NotPermitted)$/,
    );
  });

  test('a snapshot of a received one keeps its identity', async () => {
    await execa('btrfs', ['subvolume', 'snapshot', '-r', there('work'), there('sent')]);
    const received = there('received');
    await mkdir(received);
    await execa(`btrfs send "${there('sent')}" | btrfs receive "${received}"`, { shell: 'bash' });
    const copy = there('received', 'sent');
    const { stdout } = await execa('btrfs', ['subvolume', 'show', copy]);
    expect(stdout).toMatch(/Received UUID:\s+[0-9a-f]{8}-/);
    expect(await client().snapshots.add(image, '14', { from: copy, node })).toMatchObject({
      received_uuid: /Received UUID:\s+(\S+)/.exec(stdout)?.[1],
    });
    await client().snapshots.delete(image, '14', { node });
    await client().snapshots.delete(image, 'sent', { node });
  });

  test('deletes what it is told to, and nothing else', async () => {
    expect(await codeOf(client().snapshots.delete(image, '99', { node }))).toBe('SnapshotNotFound');
    for (const not_a_snapshot of ['live', 'work', 'directory']) {
      expect(await codeOf(client().snapshots.delete(image, not_a_snapshot, { node, force: true }))).toBe(
        'SnapshotNotFound',
      );
      expect(existsSync(there(not_a_snapshot))).toBe(true);
    }
    expect(await client().snapshots.delete(image, '12', { node })).toMatchObject({ number: '12' });
    expect(await numbers()).toEqual(['9', '10', '11', 'beta', 'alpha']);
    for (const number of ['9', '10', '11']) await client().snapshots.delete(image, number, { node });
    // Without a number, the last one is the newest.
    expect((await client().snapshots.last(image, { node })).number).toBe('alpha');
    for (const number of ['beta', 'alpha']) await client().snapshots.delete(image, number, { node });
    expect(await numbers()).toEqual([]);
    expect(await codeOf(client().snapshots.last(image, { node }))).toBe('SnapshotNotFound');
    expect(await client().images.get(image, { node })).toMatchObject({ snapshot_count: 0, last: null });
  });

  test('lets go of the image and leaves its files', async () => {
    await client().images.remove(image, { node });
    expect(await client().images.has(image, { node })).toBe(false);
    expect(existsSync(there('live', 'goes on'))).toBe(true);
    expect(await codeOf(client().images.remove(image, { node }))).toBe('ImageNotFound');
    await client().images.add({ name: image, node });
    expect(await client().images.get(image, { node })).toMatchObject({ state: 'present' });
    await client().images.remove(image, { node });
  });
});

test('a node that is not there, and one that a replica cannot ask', async () => {
  expect(await codeOf(client().images.get('vm', { node: 'r9' }))).toBe('ReplicaNotFound');
  expect(await codeOf(client().snapshots.last('vm', { node: '7' }))).toBe('ReplicaNotFound');
  const replica = fleet.replica(0).client;
  expect(await codeOf(replica.snapshots.add('vm', '1', { node: 'r2' }))).toBe('NotPermitted');
  expect(await codeOf(replica.images.get('vm'))).toBe('ImageNotFound');
});

test("a peer adds nothing from outside of the image's directory, nor by way of a symlink; the node itself may", async () => {
  const replica = fleet.replica(0);
  await mkdir(at(replica, 'secret'));
  await execa('btrfs', ['subvolume', 'create', at(replica, 'secret', 'other')]);
  await client().images.add({ name: 'own', node: 'r1' });
  await symlink(at(replica, 'secret', 'other'), at(replica, 'own', 'link'));
  const outside = [
    at(replica, 'secret', 'other'),
    at(replica, 'own', 'link'),
    at(replica, 'own', '..', 'secret', 'other'),
    '/etc',
  ];
  for (const from of outside) {
    expect(await codeOf(client().snapshots.add('own', '1', { from, node: 'r1' }))).toBe('NotPermitted');
  }
  const from = realpathSync(at(replica, 'secret', 'other'));
  expect(await replica.client.snapshots.add('own', '1', { from })).toMatchObject({ number: '1' });
});

test('nothing is added from another filesystem', async () => {
  await client().images.add({ name: 'here', create: true });
  const from = at(fleet.replica(1), 'away');
  await execa('btrfs', ['subvolume', 'create', from]);
  const error = await client()
    .snapshots.add('here', '1', { from })
    .catch((thrown: IcbdError) => thrown);
  expect(error).toMatchObject({ code: 'BtrfsSubvolumeNotFound' });
  expect((error as IcbdError).message).toContain('of the filesystem of');
  expect(existsSync(at(fleet.master, 'here', '1'))).toBe(false);
});

test('the same by the command line', async () => {
  const run = async (...argv: string[]) =>
    execa(process.execPath, [cli, '--socket', fleet.master.socket, ...argv], { reject: false });
  const json = async (...argv: string[]): Promise<unknown> =>
    JSON.parse((await run('--json', ...argv)).stdout);
  await run('image', 'add', 'shown', '--create');
  await run('snapshot', 'create', 'shown');
  await execa('btrfs', ['subvolume', 'create', at(fleet.master, 'shown', 'base')]);
  expect((await run('snapshot', 'add', 'shown', 'base')).stdout).toContain(at(fleet.master, 'shown', 'base'));
  const live = at(fleet.master, 'shown', 'live');
  expect(await json('snapshot', 'add', 'shown', '7', '--from', live)).toMatchObject({ number: '7' });
  expect(await json('snapshot', 'last', 'shown')).toMatchObject({ number: '7' });
  expect((await run('snapshot', 'show', 'shown', '1')).stdout).toContain('mount point');
  expect(await json('image', 'rescan', 'shown')).toMatchObject({ state: 'present', snapshot_count: 3 });
  expect((await run('image', 'show', 'shown')).stdout).toMatch(/^last +7, made /m);
  const list = (await run('snapshots', 'shown')).stdout.split('\n').map((line) => line.split(/ +/)[1]);
  expect(list.slice(0, 4)).toEqual(['NUMBER', '1', '7', 'base']);
  const failures: [string[], number, string][] = [
    [['image', 'show', 'none'], 10, 'ImageNotFound'],
    [['snapshot', 'show', 'shown', '9'], 10, 'SnapshotNotFound'],
    [['snapshot', 'add', 'shown', '7'], 11, 'SnapshotAlreadyExists'],
    [['snapshot', 'add', 'shown', '8'], 10, 'BtrfsSubvolumeNotFound'],
    [['snapshot', 'last', 'shown', '--node', 'r9'], 10, 'ReplicaNotFound'],
  ];
  for (const [argv, exit_code, code] of failures) {
    const { exitCode, stderr } = await run(...argv);
    expect([exitCode, stderr]).toEqual([exit_code, expect.stringContaining(`[${code}]`)]);
  }
});
