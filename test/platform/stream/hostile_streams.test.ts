/** What plain `btrfs receive` does with hostile streams, and that the firewall refuses each before it does. */
import { lstat, mkdir, mkdtemp, open, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { Command } from '../../../src/stream/command_reader.js';
import type { StreamCommand } from '../../../src/stream/decode_command.js';
import { Firewall } from '../../../src/stream/firewall.js';
import { command_types } from '../../../src/stream/constants.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { encodeCommand } from '../../unit/stream/any_command.js';
import { sample_clone_uuid, sample_uuid } from '../../unit/stream/sample_stream.js';

let fs: LoopFs;
let count = 0;
/** Where the streams are received, and a directory beside it that they must not touch. */
let target: string;
let outside: string;

beforeAll(async () => {
  fs = await makeLoopFs({ size_mb: 256 });
});
afterAll(async () => {
  await fs?.dispose();
});
beforeEach(async () => {
  count += 1;
  target = join(fs.mountpoint, `target-${count}`);
  outside = join(fs.mountpoint, `outside-${count}`);
  uuid = sample_uuid.replace(/..$/, String(count).padStart(2, '0'));
  subvol = { command: 'subvol', path: bytes('vm'), uuid, ctransid: 7n };
  await mkdir(target);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'the secret\n'.repeat(1_000), { mode: 0o600 });
});

/** `btrfs receive` wants it, whatever it is. */
const ino = 257n;
const bytes = (text: string): Buffer => Buffer.from(text);
/** Each test has an identity of its own, or a parent of another would be found. */
let uuid: string;
let subvol: Extract<StreamCommand, { command: 'subvol' }>;
const end: StreamCommand = { command: 'end' };
const symlink = (path: string, to: string): StreamCommand => ({
  command: 'symlink',
  path: bytes(path),
  path_link: bytes(to),
  ino,
});
const write = (path: string, text: string, file_offset = 0n): StreamCommand => ({
  command: 'write',
  path: bytes(path),
  file_offset,
  data: bytes(text),
});
const snapshotOf = (clone_uuid: string): StreamCommand => ({
  command: 'snapshot',
  path: bytes('vm2'),
  uuid: sample_clone_uuid,
  ctransid: 9n,
  clone_uuid,
  clone_ctransid: 7n,
});
const mkfile = (path: string): StreamCommand => ({ command: 'mkfile', path: bytes(path), ino });

function streamOf(commands: readonly StreamCommand[]): Buffer {
  return Buffer.concat([writeStreamHeader(1), ...commands.map((command) => encodeCommand(command, 1))]);
}

/** @returns what `btrfs receive` complains about; empty if it took all of it */
async function receive(commands: readonly StreamCommand[], directory = target): Promise<string> {
  const options = { input: streamOf(commands), reject: false } as const;
  const { exitCode, stderr } = await execa('btrfs', ['receive', '--quiet', directory], options);
  return exitCode === 0 ? '' : `${exitCode} ${stderr}`;
}

/** The first command that the firewall refuses. */
function refused(
  commands: readonly StreamCommand[],
  rules = { name: 'vm', sources: new Set<string>() },
): StreamCommand | undefined {
  const firewall = new Firewall(rules);
  return commands.find((fields) => {
    const type = command_types[fields.command];
    try {
      firewall.check(new Command(type, 1, 0, encodeCommand(fields, 1)));
      return false;
    } catch (error) {
      if (error instanceof IcbdError && error.code === 'StreamRefused') return true;
      throw error;
    }
  });
}

describe('plain btrfs receive does what the firewall refuses', () => {
  test('files are made and written beside the target, through a symlink', async () => {
    const bad = mkfile('way/escaped');
    const stream = [subvol, symlink('way', outside), bad, write('way/escaped', 'owned'), end];
    expect(await receive(stream)).toBe('');
    expect(await readFile(join(outside, 'escaped'), 'utf8')).toBe('owned');
    expect(refused(stream)).toBe(bad);
  });

  test('the same by a symlink that was renamed, and one in a directory that was', async () => {
    const bad = mkfile('b/c/escaped');
    const stream: StreamCommand[] = [
      subvol,
      { command: 'mkdir', path: bytes('a'), ino },
      symlink('way', outside),
      { command: 'rename', path: bytes('way'), path_to: bytes('a/c') },
      { command: 'rename', path: bytes('a'), path_to: bytes('b') },
      bad,
      end,
    ];
    expect(await receive(stream)).toBe('');
    expect((await stat(join(outside, 'escaped'))).size).toBe(0);
    expect(refused(stream)).toBe(bad);
  });

  test('a file is emptied, written, and its mode changed, by a symlink to it', async () => {
    const secret = join(outside, 'secret');
    const bad: StreamCommand = { command: 'chmod', path: bytes('s'), mode: 0o666n };
    const link_and_chmod = [subvol, symlink('s', secret), bad];
    const stream = [...link_and_chmod, mkfile('s'), write('s', 'owned'), end];
    expect(await receive(stream)).toBe('');
    expect(await readFile(secret, 'utf8')).toBe('owned');
    expect((await stat(secret)).mode & 0o777).toBe(0o666);
    expect(refused(stream)).toBe(bad);
  });

  test('files are made beside the target by a path with ".."', async () => {
    const bad = mkfile(`../../outside-${count}/escaped`);
    const stream = [subvol, bad, end];
    expect(await receive(stream)).toBe('');
    expect((await stat(join(outside, 'escaped'))).size).toBe(0);
    expect(refused(stream)).toBe(bad);
  });

  test('a file that the sender may not read is cloned into the snapshot', async () => {
    const bad: StreamCommand = {
      command: 'clone',
      path: bytes('stolen'),
      file_offset: 0n,
      clone_len: 11_000n,
      clone_uuid: uuid,
      clone_ctransid: 7n,
      clone_path: bytes('s'),
      clone_offset: 0n,
    };
    const stream = [subvol, symlink('s', join(outside, 'secret')), mkfile('stolen'), bad, end];
    expect(await receive(stream)).toBe('');
    expect(await readFile(join(target, 'vm/stolen'), 'utf8')).toBe('the secret\n'.repeat(1_000));
    expect(refused(stream)).toBe(bad);
  });

  test('a whole device is written, by a node that the stream makes', async () => {
    const disk = await makeLoopFs({ size_mb: 128 });
    try {
      const { rdev } = await stat(disk.device);
      const node: StreamCommand = {
        command: 'mknod',
        path: bytes('disk'),
        mode: 0o060600n,
        rdev: BigInt(rdev),
        ino,
      };
      // btrfs leaves the first 64 KiB of its device alone.
      const bad = write('disk', 'owned', 4096n);
      const stream = [subvol, node, bad, end];
      expect(await receive(stream)).toBe('');
      await execa('sync', [disk.device]);
      expect(await readAt(disk.device, 4096, 5)).toBe('owned');
      expect(refused(stream)).toBe(bad);
    } finally {
      await disk.dispose();
    }
  });

  test('a stream without data makes a snapshot of empty files that is marked complete', async () => {
    const bad: StreamCommand = { command: 'update_extent', path: bytes('a'), file_offset: 0n, size: 9n };
    const stream = [subvol, mkfile('a'), bad, end];
    expect(await receive(stream)).toBe('');
    const { stdout } = await execa('btrfs', ['subvolume', 'show', join(target, 'vm')]);
    expect(stdout).toMatch(new RegExp(`Received UUID:\\s+${uuid}`));
    expect(refused(stream)).toBe(bad);
  });

  test('another subvolume, and another stream, are received too', async () => {
    const second: StreamCommand = { ...subvol, path: bytes('another'), uuid: sample_clone_uuid };
    expect(await receive([subvol, second, end])).toBe('');
    expect((await lstat(join(target, 'another'))).isDirectory()).toBe(true);
    expect(refused([subvol, second, end])).toBe(second);
    expect(refused([subvol, end, second])).toBe(second);
  });
});

async function readAt(path: string, offset_bytes: number, length_bytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(length_bytes), 0, length_bytes, offset_bytes);
    return buffer.toString();
  } finally {
    await file.close();
  }
}

describe('what a stream alone cannot show', () => {
  test('a symlink of the parent is followed: the firewall does not know it', async () => {
    const parent = [subvol, symlink('way', outside), end];
    const stream = [snapshotOf(uuid), mkfile('way/escaped'), end];
    expect([refused(parent), refused(stream, { name: 'vm2', sources: new Set([uuid]) })]).toEqual([
      undefined,
      undefined,
    ]);
    expect([await receive(parent), await receive(stream)]).toEqual(['', '']);
    expect((await stat(join(outside, 'escaped'))).size).toBe(0);
  });

  test('a mount with nosymfollow and nodev ends it, for the parent and all else', async () => {
    // Of the whole filesystem: btrfs receive looks for parents by their paths from its root.
    const confined = await mkdtemp(join(tmpdir(), 'icbdrep-confined-'));
    await execa('mount', ['--bind', fs.mountpoint, confined]);
    try {
      await execa('mount', ['-o', 'remount,bind,nosymfollow,nodev', confined]);
      const inside = join(confined, basename(target));
      expect(await receive([subvol, symlink('way', outside), end], inside)).toBe('');
      const too_many = 'Too many levels of symbolic links';
      const full = [{ ...subvol, path: bytes('vm3') }, symlink('w', outside), mkfile('w/escaped'), end];
      expect(await receive(full, inside)).toContain(too_many);
      expect(await receive([snapshotOf(uuid), mkfile('way/escaped'), end], inside)).toContain(too_many);
      await expect(stat(join(outside, 'escaped'))).rejects.toThrow('ENOENT');
    } finally {
      await execa('umount', [confined]);
      await rmdir(confined);
    }
  });
});
