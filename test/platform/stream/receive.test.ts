/** `icbdrep stream receive` beside `btrfs receive`, on real btrfs. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { CommandReader } from '../../../src/stream/command_reader.js';
import { command_types, crc_offset_bytes } from '../../../src/stream/constants.js';
import { commandCrc } from '../../../src/stream/crc.js';
import { compareTrees } from '../../support/compare_trees.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import {
  checkpoints,
  durableBytes,
  hiddenNames,
  identity,
  makeSource,
  mib,
  receive,
  sizeOf,
  startReceive,
  store,
  waitForBytes,
  writeStream,
} from './receive_support.js';

let master: LoopFs;
let replica: LoopFs;
let image: string;

beforeAll(async () => {
  master = await makeLoopFs({ size_mb: 900, mount_options: 'compress=zstd:1' });
  replica = await makeLoopFs({ size_mb: 1_200 });
  image = await makeSource(master);
});
afterAll(async () => {
  await master?.dispose();
  await replica?.dispose();
});

async function makeDirectory(name: string): Promise<string> {
  const directory = join(replica.mountpoint, name);
  await mkdir(directory);
  return directory;
}

/** The same stream with another last byte in its third WRITE, and the CRC that belongs to it. */
function withOtherByte(stream: Buffer): Buffer {
  const changed = Buffer.from(stream);
  const writes = [...new CommandReader().push(stream)].filter(({ type }) => type === command_types.write);
  const { start_bytes, bytes } = writes[2] ?? { start_bytes: 0, bytes: stream };
  const command = changed.subarray(start_bytes, start_bytes + bytes.length);
  command[command.length - 1] = (command.at(-1) ?? 0) ^ 1;
  command.writeUInt32LE(commandCrc(command), crc_offset_bytes);
  return changed;
}

async function expectCopies(directory: string, numbers: readonly string[]): Promise<void> {
  for (const number of numbers) {
    const [source, copy] = [join(image, number), join(directory, number)];
    expect(await compareTrees(source, copy)).toEqual([]);
    expect(await identity(copy)).toMatchObject({
      received_uuid: (await store.inspect(source)).uuid,
      read_only: true,
    });
  }
  expect(await hiddenNames(directory)).toEqual([]);
}

describe.each<StreamVersion>([1, 2])('version %d of the stream', (version) => {
  test('several streams one behind the other give what btrfs receive gives, and serve as bases', async () => {
    const [full, second, third] = await Promise.all([
      writeStream(image, '1', undefined, version),
      writeStream(image, '2', '1', version),
      writeStream(image, '3', '2', version),
    ]);
    const [plain, ours] = [await makeDirectory(`plain-${version}`), await makeDirectory(`ours-${version}`)];
    const both = Buffer.concat([await readFile(full), await readFile(second)]);
    await execa('btrfs', ['receive', '-q', plain], { input: both });
    for (const number of ['1', '2']) await execa('mv', [join(plain, number), join(plain, `plain-${number}`)]);

    const received = await receive([...checkpoints, '--json', ours], both);
    expect(received).toMatchObject({ exit_code: 0, stderr: '' });
    expect(JSON.parse(received.stdout)).toMatchObject({
      subvolumes: [{ name: '1' }, { name: '2' }],
      stream_bytes: both.length,
      resumed_from_bytes: 0,
    });
    await expectCopies(ours, ['1', '2']);
    for (const number of ['1', '2']) {
      expect(await identity(join(ours, number))).toEqual(await identity(join(plain, `plain-${number}`)));
      // As the base of the next one, ours must be found, not the plain one.
      await execa('btrfs', ['subvolume', 'delete', join(plain, `plain-${number}`)]);
    }
    const next = await makeDirectory(`next-${version}`);
    await execa('btrfs', ['receive', '-q', '-f', third, next]);
    expect(await compareTrees(join(image, '3'), join(next, '3'))).toEqual([]);
    for (const path of [join(next, '3'), join(ours, '1'), join(ours, '2')]) await store.deleteSubvolume(path);
  });
});

test('several subvolumes in one stream, and -e', async () => {
  const full = await writeStream(image, '1', undefined, 1);
  const { stdout } = await execa('btrfs', ['send', '-q', '-e', join(image, '1'), join(image, '2')], {
    encoding: 'buffer',
    maxBuffer: 512 * mib,
  });
  const directory = await makeDirectory('one-stream');
  const more = Buffer.concat([Buffer.from(stdout), await readFile(full)]);
  const received = await receive([...checkpoints, '-e', directory], more);
  expect(received).toMatchObject({ exit_code: 0, stderr: 'At subvol 1\nAt subvol 2\n' });
  await expectCopies(directory, ['1', '2']);
  // Without -e the third one, whose name is taken, is an error and changes nothing.
  const again = await receive([...checkpoints, directory, '-f', full]);
  expect(again.exit_code).toBe(11);
  await expectCopies(directory, ['1', '2']);
  for (const number of ['1', '2']) await store.deleteSubvolume(join(directory, number));
});

test('a truncated stream leaves nothing visible, and goes on when all of it comes', async () => {
  const file = await writeStream(image, '1', undefined, 1);
  const stream = await readFile(file);
  const directory = await makeDirectory('truncated');
  const cut_bytes = Math.floor(stream.length * 0.6);
  const failed = await receive([...checkpoints, directory], stream.subarray(0, cut_bytes));
  expect(failed.exit_code).toBe(1);
  expect(failed.stderr).toContain('[CorruptData]');
  expect(await store.listSnapshots(directory)).toEqual([]);
  expect((await hiddenNames(directory)).length).toBe(2);
  // All but the command that was cut in two.
  expect(cut_bytes - (await durableBytes(directory))).toBeLessThan(64 * 1024);

  const resumed = await receive([...checkpoints, '--json', directory, '-f', file]);
  expect(resumed.exit_code).toBe(0);
  expect(JSON.parse(resumed.stdout).resumed_from_bytes).toBeGreaterThan(cut_bytes - 64 * 1024);
  await expectCopies(directory, ['1']);
  const incremental = await writeStream(image, '2', '1', 2);
  expect((await receive([...checkpoints, '-q', directory, '-f', incremental])).exit_code).toBe(0);
  await expectCopies(directory, ['1', '2']);
  for (const number of ['1', '2']) await store.deleteSubvolume(join(directory, number));
});

test('a damaged stream and one that is none leave nothing visible', async () => {
  const stream = await readFile(await writeStream(image, '1', undefined, 1));
  const directory = await makeDirectory('damaged');
  const damaged = Buffer.from(stream);
  damaged[Math.floor(stream.length / 2)] = (damaged[Math.floor(stream.length / 2)] ?? 0) ^ 1;
  const failed = await receive([...checkpoints, directory], damaged);
  expect(failed.exit_code).toBe(1);
  expect(failed.stderr).toContain('CRC');
  expect(await store.listSnapshots(directory)).toEqual([]);
  expect((await receive([...checkpoints, '-q', directory], stream)).exit_code).toBe(0);
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));

  for (const input of [Buffer.alloc(0), Buffer.from('no stream'), stream.subarray(0, 30)]) {
    expect((await receive([directory], input)).exit_code).toBe(1);
    expect(await hiddenNames(directory)).toEqual([]);
  }
  // Its parent is not here: what btrfs says is passed on.
  const orphan = await receive([directory, '-f', await writeStream(image, '2', '1', 1)]);
  expect(orphan.exit_code).toBe(1);
  expect(orphan.stderr).toContain('parent');
  expect(await hiddenNames(directory)).toEqual([]);
});

test('another stream than the one that was begun starts over, and says so', async () => {
  const [v1, v2] = [await writeStream(image, '1', undefined, 1), await writeStream(image, '1', undefined, 2)];
  const directory = await makeDirectory('another');
  const begun = async (): Promise<void> => {
    const half = (await readFile(v1)).subarray(0, Math.floor((await sizeOf(v1)) / 2));
    expect((await receive([...checkpoints, directory], half)).exit_code).toBe(1);
    expect(await durableBytes(directory)).toBeGreaterThan(0);
  };
  await begun();
  const other_head = await receive([...checkpoints, '-q', directory], await readFile(v2));
  expect(other_head).toMatchObject({ exit_code: 0 });
  expect(other_head.stderr).toContain('starts over: another stream');
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));

  // The same snapshot and first command; one byte of a file is another.
  await begun();
  const changed = withOtherByte(await readFile(v1));
  const from_pipe = await receive([...checkpoints, '-q', directory], changed);
  expect(from_pipe.exit_code).toBe(1);
  expect(from_pipe.stderr).toContain('starts over');
  expect(from_pipe.stderr).toContain('run it again');
  expect(await hiddenNames(directory)).toEqual([]);
  expect(await store.listSnapshots(directory)).toEqual([]);

  await begun();
  const stored = join(master.mountpoint, 'changed.stream');
  await writeFile(stored, changed);
  const from_file = await receive([...checkpoints, '-q', directory, '-f', stored]);
  expect(from_file.stderr).toMatch(/^starts over: its first \d+ bytes [^\n]*\n$/);
  expect(from_file.exit_code).toBe(0);
  expect(await compareTrees(join(image, '1'), join(directory, '1'))).not.toEqual([]);
  expect(await hiddenNames(directory)).toEqual([]);
  await store.deleteSubvolume(join(directory, '1'));
});

test('a second run beside the first is refused, and an interrupted one keeps what it has', async () => {
  const file = await writeStream(image, '1', undefined, 1);
  const stream = await readFile(file);
  const directory = await makeDirectory('interrupted');
  const fifo = join(directory, 'fifo');
  await execa('mkfifo', [fifo]);
  const first = startReceive([...checkpoints, directory, '-f', fifo]);
  try {
    // Held open: the first one waits for the rest.
    const writer = execa('sh', ['-c', `head -c ${10 * mib} "$0" >"$1"; exec sleep 60 >"$1"`, file, fifo], {
      reject: false,
    });
    const holder = execa('sh', ['-c', 'exec sleep 60 >"$0"', fifo], { reject: false });
    await waitForBytes(directory, 6 * mib, first);
    const second = await receive([...checkpoints, directory], stream);
    expect(second.exit_code).toBe(14);
    first.process.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ exit_code: 143 });
    writer.kill();
    holder.kill();
    await Promise.all([writer, holder]);
  } finally {
    first.process.kill('SIGKILL');
  }
  expect(await durableBytes(directory)).toBeGreaterThan(9 * mib);
  const resumed = await receive([...checkpoints, '--json', directory], stream);
  expect(resumed.exit_code).toBe(0);
  expect(JSON.parse(resumed.stdout).resumed_from_bytes).toBeGreaterThan(9 * mib);
  await execa('rm', [fifo]);
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));
});

test('the options of btrfs receive, and a state file elsewhere', async () => {
  const file = await writeStream(image, '1', undefined, 2);
  const directory = await makeDirectory('options');
  const state = join(master.mountpoint, 'state.json');
  const half = (await readFile(file)).subarray(0, Math.floor((await sizeOf(file)) / 2));
  const args = [...checkpoints, '--force-decompress', '-C', '-q', '--state', state, directory];
  expect((await receive(args, half)).exit_code).toBe(1);
  expect((await hiddenNames(directory)).filter((name) => name.endsWith('.json'))).toEqual([]);
  expect(await receive([...args, '-f', file])).toEqual({ exit_code: 0, stdout: '', stderr: '' });
  expect(await sizeOf(state).catch(() => undefined)).toBeUndefined();
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));
});

test('with -E 0 what can be received of a stream that fails is kept, hidden, until the next run', async () => {
  const stream = await readFile(await writeStream(image, '1', undefined, 1));
  const directory = await makeDirectory('errors');
  // A file that is opened and was never made: its MKFILE is a MKDIR.
  const broken = Buffer.from(stream);
  const made = [...new CommandReader().push(stream)].find(({ type }) => type === command_types.mkfile);
  const { start_bytes, bytes } = made ?? { start_bytes: 0, bytes: stream };
  const command = broken.subarray(start_bytes, start_bytes + bytes.length);
  command.writeUInt16LE(command_types.mkdir, 4);
  command.writeUInt32LE(commandCrc(command), crc_offset_bytes);
  const strict = await receive([...checkpoints, directory], broken);
  expect(strict.exit_code).toBe(1);
  expect((await store.listHidden(directory)).length).toBeLessThan(2);
  const saved = await receive([...checkpoints, '-E', '0', directory], broken);
  expect(saved.exit_code).toBe(1);
  const [, path = ''] = /what could be received is in (\S+),/.exec(saved.stderr) ?? [];
  expect(await store.inspect(path)).toMatchObject({ read_only: false, received_uuid: '' });
  expect(await store.listSnapshots(directory)).toEqual([]);
  expect((await receive([...checkpoints, directory], stream)).exit_code).toBe(0);
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));
});

test('a checkpoint that is not there any more is not believed in', async () => {
  const file = await writeStream(image, '1', undefined, 1);
  const directory = await makeDirectory('lost-part');
  const half = (await readFile(file)).subarray(0, Math.floor((await sizeOf(file)) / 2));
  expect((await receive([...checkpoints, directory], half)).exit_code).toBe(1);
  const [part = ''] = await store.listHidden(directory);
  await store.deleteSubvolume(join(directory, part));
  const again = await receive([...checkpoints, '-q', directory, '-f', file]);
  expect(again).toMatchObject({
    exit_code: 0,
    stderr: expect.stringContaining('starts over: the last checkpoint'),
  });
  await expectCopies(directory, ['1']);
  await store.deleteSubvolume(join(directory, '1'));
});
