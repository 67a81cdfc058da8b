/** Streams of the real `btrfs send`, of all kinds of files, read as `btrfs receive --dump` reads them. */
import { mkdir, open, rename, rm, rmdir, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { CommandReader } from '../../../src/stream/command_reader.js';
import { decodeCommand, type StreamCommand } from '../../../src/stream/decode_command.js';
import { type VerifiedSubvolume, verifyStream } from '../../../src/tools/stream_verify.js';
import { changeImageTree, makeImageTree, seededBytes } from '../../support/image_tree.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { dumpLines } from './dump_lines.js';

let fs: LoopFs;
let live: string;

/** A socket file: the server removes only the name that it made itself. */
async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(`${path}.new`, resolve);
  });
  await rename(`${path}.new`, path);
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

async function setCompression(path: string, value: string): Promise<void> {
  await execa('btrfs', ['property', 'set', path, 'compression', value]);
}

/** What makeImageTree does not make. */
async function makeOddFiles(): Promise<void> {
  const at = (name: string): string => join(live, name);
  await mkdir(at('odd'));
  await writeFile(
    Buffer.concat([Buffer.from(`${live}/odd/`), Buffer.from('caf\xe9\x1b[31m\n\\ \x80', 'latin1')]),
    'a',
  );
  await writeFile(at(`odd/${'n'.repeat(255)}`), 'long');
  await execa('mkfifo', [at('odd/fifo')]);
  await execa('mknod', [at('odd/block'), 'b', '7', '200']);
  await execa('mknod', [at('odd/char'), 'c', '1', '3']);
  await makeSocket(at('odd/socket'));
  await symlink('/nowhere/'.padEnd(4_000, 'x'), at('odd/long symlink'));
  await mkdir(at('odd/gone'));
  await writeFile(at('odd/zeros'), Buffer.alloc(1_000_000));
  await setCompression(at('odd/zeros'), 'zstd');
}

beforeAll(async () => {
  fs = await makeLoopFs({ size_mb: 512, mount_options: 'compress=zstd:1' });
  live = join(fs.mountpoint, 'live');
  await execa('btrfs', ['subvolume', 'create', live]);
  await makeImageTree(live, 5, 6_000_000);
  await makeOddFiles();
  await execa('btrfs', ['subvolume', 'snapshot', '-r', live, join(fs.mountpoint, '1')]);
  await unlink(join(live, 'odd/fifo'));
  await rmdir(join(live, 'odd/gone'));
  await rename(join(live, 'odd'), join(live, 'moved'));
  await setCompression(join(live, 'moved/zeros'), '');
  await truncate(join(live, 'moved/zeros'), 5_000);
  const file = await open(join(live, 'boot/nested directory/kernel ünïcode'), 'r+');
  await file.write(seededBytes(9, 5_000), 0, 5_000, 100);
  await file.close();
  await changeImageTree(live, 6);
  await rm(join(live, 'boot/config-hard-link.ini'));
  await execa('btrfs', ['subvolume', 'snapshot', '-r', live, join(fs.mountpoint, '2')]);
});
afterAll(async () => {
  await fs?.dispose();
});

async function send(...args: readonly string[]): Promise<Buffer> {
  const options = { cwd: fs.mountpoint, encoding: 'buffer', maxBuffer: 1024 ** 3 } as const;
  const { stdout } = await execa('btrfs', ['send', '--quiet', ...args], options);
  return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength);
}

/** What the real program understands of it. */
async function dump(stream: Buffer): Promise<string[]> {
  const env = { TZ: 'UTC', LC_ALL: 'C' };
  const options = { input: stream, encoding: 'buffer', env, maxBuffer: 1024 ** 3 } as const;
  const { stdout } = await execa('btrfs', ['receive', '--dump'], options);
  return Buffer.from(stdout).toString('latin1').split('\n');
}

/** What we understand of it, in pieces as a pipe gives them. */
function decode(stream: Buffer): StreamCommand[] {
  const reader = new CommandReader();
  const commands: StreamCommand[] = [];
  for (let at = 0; at < stream.length; at += 65_536) {
    for (const command of reader.push(stream.subarray(at, at + 65_536)))
      commands.push(decodeCommand(command));
  }
  reader.finish();
  return commands;
}

const names_of_full = ['subvol', 'mkfile', 'mkdir', 'mknod', 'mkfifo', 'mksock', 'symlink', 'rename', 'link'];
const names_of_both = ['clone', 'chmod', 'chown', 'utimes', 'set_xattr', 'end'];
const names_of_incremental = ['snapshot', 'unlink', 'rmdir', 'remove_xattr', 'truncate'];

test.each([
  ['version 1, full', ['1'], [...names_of_full, ...names_of_both, 'write']],
  ['version 1, incremental', ['-p', '1', '2'], [...names_of_incremental, 'utimes', 'write', 'clone']],
  ['version 2, full', ['--proto', '2', '1'], [...names_of_full, ...names_of_both, 'write']],
  [
    'version 2, full, compressed',
    ['--proto', '2', '--compressed-data', '1'],
    [...names_of_full, ...names_of_both, 'encoded_write'],
  ],
  [
    'version 2, incremental, compressed',
    ['--proto', '2', '--compressed-data', '-p', '1', '2'],
    [...names_of_incremental, 'encoded_write'],
  ],
  ['without data', ['--no-data', '1'], [...names_of_full, 'update_extent']],
])('%s: every command is read as btrfs reads it', async (_what, args, expected) => {
  const stream = await send(...args);
  const commands = decode(stream);
  expect(dumpLines(commands)).toEqual((await dump(stream)).filter((line) => line !== ''));
  const seen = new Set<string>(commands.map(({ command }) => command));
  expect([...seen]).toEqual(expect.arrayContaining(expected));
});

test('real streams are whole, pass the firewall, and have the hash of their bytes', async () => {
  const full = await send('--proto', '2', '--compressed-data', '1');
  const incremental = await send('-p', '1', '2');
  const show = await execa('btrfs', ['subvolume', 'show', join(fs.mountpoint, '1')]);
  const [, uuid = ''] = /^\s*UUID:\s+(\S+)$/m.exec(show.stdout) ?? [];
  for (const [name, stream] of [
    ['1', full],
    ['2', incremental],
  ] as const) {
    const hash = new StreamHash();
    hash.update(stream);
    const verified: VerifiedSubvolume[] = [];
    const chunks = (async function* () {
      await Promise.resolve();
      for (let at = 0; at < stream.length; at += 100_000) yield stream.subarray(at, at + 100_000);
    })();
    await verifyStream(
      { name, total_bytes: null, chunks },
      {
        firewall: { name, sources: new Set([uuid]) },
        onSubvolume: (subvolume) => verified.push(subvolume),
        onProgress: () => undefined,
      },
    );
    expect(verified).toEqual([
      expect.objectContaining({
        name,
        kind: name === '1' ? 'full' : 'incremental',
        parent_uuid: name === '1' ? '' : uuid,
        stream_bytes: stream.length,
        stream_xxh3: hash.digest(),
      }),
    ]);
  }
});
