import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';

const daemon = new URL('../../../dist/daemon/icbdrepd.js', import.meta.url).pathname;

/** Sends bytes as they are to a control API; returns status and parsed answer. */
function rawRequest(
  socketPath: string,
  method: string,
  url: string,
  body: string,
): Promise<{ status: number; answer: { error?: { code: string } } }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path: url }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          answer: JSON.parse(text) as { error?: { code: string } },
        }),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** What a promise was rejected with; code `none` if it was not. */
async function errorOf(work: Promise<unknown>): Promise<{ code: string; hint: string }> {
  return work.then(
    () => ({ code: 'none', hint: '' }),
    (error: unknown) => error as { code: string; hint: string },
  );
}

describe('bad input gets a clear error and changes nothing', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 256 });
    await fleet.addImage('vm1');
    await fleet.master.client.snapshots.create('vm1');
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test.each(['a/b', '..', '.hidden', 'nul\0', '', '-x', 'x'.repeat(256)])(
    'an image cannot be named %j',
    async (name) => {
      const before = await readdir(fleet.master.fs.mountpoint);
      expect(await errorOf(fleet.master.client.images.add({ name, create: true }))).toMatchObject({
        code: 'InvalidArgument',
      });
      expect(await errorOf(fleet.master.client.images.add({ name, node: 'r1' }))).toMatchObject({
        code: 'InvalidArgument',
      });
      expect(await readdir(fleet.master.fs.mountpoint)).toEqual(before);
      expect(await readdir(fleet.replica(0).fs.mountpoint)).toEqual(['vm1']);
    },
  );

  test('what is not there is named, with a hint', async () => {
    const { client } = fleet.master;
    const cases: [() => Promise<unknown>, string][] = [
      [() => client.images.add({ name: 'vm1' }), 'ImageAlreadyExists'],
      [() => client.images.add({ name: 'nowhere' }), 'DirNotFound'],
      [() => client.images.add({ name: 'vm2', create: true, source: '/etc' }), 'BtrfsSubvolumeNotFound'],
      [() => client.images.remove('nowhere'), 'ImageNotFound'],
      [() => client.snapshots.list('nowhere'), 'ImageNotFound'],
      [() => client.snapshots.create('vm1', { number: '1' }), 'SnapshotAlreadyExists'],
      [() => client.snapshots.create('vm1', { number: '../2' }), 'InvalidArgument'],
      [() => client.snapshots.delete('vm1', '99'), 'SnapshotNotFound'],
      [() => client.transfers.send({ image: 'vm1', numbers: ['99'], to: ['r1'] }), 'SnapshotNotFound'],
      [() => client.transfers.send({ image: 'nowhere', numbers: ['1'], to: ['r1'] }), 'ImageNotFound'],
      [() => client.transfers.send({ image: 'vm1', numbers: ['1'], to: ['r9'] }), 'ReplicaNotFound'],
      [() => client.images.list({ node: 'r9' }), 'ReplicaNotFound'],
      [() => client.transfers.get('17'), 'TransferNotFound'],
      [() => client.transfers.cancel('17'), 'TransferNotFound'],
      [
        () => fleet.replica(0).client.transfers.send({ image: 'vm1', numbers: ['1'], to: ['r1'] }),
        'NotPermitted',
      ],
    ];
    for (const [work, code] of cases) {
      const error = await errorOf(work());
      expect(error.code).toBe(code);
    }
    expect(await client.transfers.list()).toEqual([]);
    expect((await client.images.list()).map(({ name }) => name)).toEqual(['vm1']);
  });

  test('an image that the replica was not told of is refused for good', async () => {
    const { client } = fleet.master;
    await client.images.remove('vm1', { node: 'r1' });
    await client.transfers.send({ image: 'vm1', numbers: ['1'], to: ['r1'] });
    const [transfer] = await fleet.untilSettled();
    expect(transfer).toMatchObject({ state: 'failed', last_error: { code: 'ImageNotFound' } });
    expect(transfer?.last_error?.message).toBe('r1 does not hold the image vm1');
    expect(transfer?.last_error?.hint).toContain('icbdrep image add vm1 --node r1');
    await client.images.add({ name: 'vm1', node: 'r1' });
  });

  test('a directory that is not on btrfs, and a mount point that is not', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-bad-'));
    try {
      const original = await readFile(fleet.replica(0).config_file, 'utf8');
      const at = (name: string): string => path.join(directory, name);
      const config = original
        .replace(/^mountpoint = .*$/m, `mountpoint = "${directory}"`)
        .replace(/^state_dir = .*$/m, `state_dir = "${at('state')}"`)
        .replace(/^socket = .*$/m, `socket = "${at('socket')}"`);
      await writeFile(at('config.toml'), config);
      const result = await execa(process.execPath, [daemon, 'replica', '--config', at('config.toml')], {
        reject: false,
      });
      expect(result.exitCode).toBe(10);
      expect(result.stderr).toContain('[BtrfsPathNotFound]');
      expect(await readdir(directory)).toEqual(['config.toml']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('a second daemon on the same state directory', async () => {
    for (const node of fleet.nodes) {
      const args = [daemon, node.role, '--config', node.config_file];
      const result = await execa(process.execPath, args, { reject: false });
      expect(result.exitCode).toBe(14);
      expect(result.stderr).toMatch(
        /another icbdrepd uses the state directory .* \[AlreadyRunning\]\n {2}hint: /,
      );
      expect((await node.client.status()).role).toBe(node.role);
    }
  });

  test('JSON that does not fit, and paths that are none', async () => {
    const { socket } = fleet.master;
    const cases: [string, string, string, number, string][] = [
      ['POST', '/v1/images', '{"name": 7}', 400, 'InvalidArgument'],
      ['POST', '/v1/images', '{"name": "x", "colour": 1}', 400, 'InvalidArgument'],
      ['POST', '/v1/images', '{', 400, 'InvalidArgument'],
      [
        'POST',
        '/v1/transfers',
        '{"image":"vm1","numbers":["1"],"to":["r1"],"codec":"rot13"}',
        400,
        'InvalidArgument',
      ],
      ['GET', '/v1/nothing', '', 404, 'InvalidArgument'],
      ['GET', '/v1/transfers?limit=x', '', 400, 'InvalidArgument'],
      ['GET', '/v1/images/%E0%A4%A', '', 400, 'InvalidArgument'],
      ['POST', '/v1/images', `{"name": "${'x'.repeat(2 * 1024 * 1024)}"}`, 413, 'FrameTooLarge'],
    ];
    for (const [method, url, body, status, code] of cases) {
      const { status: got, answer } = await rawRequest(socket, method, url, body);
      expect([got, answer.error?.code], url).toEqual([status, code]);
    }
  });

  test('snapshots on disk are found when an image is added, others are left out', async () => {
    const directory = path.join(fleet.master.fs.mountpoint, 'old');
    await mkdir(directory);
    const live = path.join(directory, 'live');
    await execa('btrfs', ['subvolume', 'create', live]);
    for (const number of ['2', '10', '1']) {
      await execa('btrfs', ['subvolume', 'snapshot', '-r', live, path.join(directory, number)]);
    }
    await mkdir(path.join(directory, 'plain'));
    const image = await fleet.master.client.images.add({ name: 'old' });
    expect(image).toMatchObject({ snapshot_count: 3, newest: '10', source: live, state: 'present' });
    const snapshots = await fleet.master.client.snapshots.list('old');
    expect(snapshots.map(({ number }) => number)).toEqual(['1', '2', '10']);
    expect((await fleet.master.client.snapshots.create('old')).number).toBe('11');
  });
});
