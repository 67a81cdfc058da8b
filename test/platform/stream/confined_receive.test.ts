/** Hostile streams through all that a reception has: firewall, cutter, and a confined btrfs receive. */
import { lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { confinedTo, whyNotConfined } from '../../../src/btrfs/confinement.js';
import { SegmentReceiver } from '../../../src/btrfs/segment_receiver.js';
import { SegmentedReceive } from '../../../src/btrfs/segmented_receive.js';
import { receiveArguments } from '../../../src/btrfs/stream_arguments.js';
import type { Checkpoint } from '../../../src/core/checkpoint.js';
import { IcbdError } from '../../../src/core/errors.js';
import { startChild } from '../../../src/pipeline/child.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { pumpReceive, type ReceiveEnd } from '../../../src/pipeline/receive_pump.js';
import type { StreamCommand } from '../../../src/stream/decode_command.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { clock, link_lost, type Step, StepSource, trailerOf } from '../../unit/pipeline/receive_support.js';
import { encodeCommand } from '../../unit/stream/any_command.js';
import { sample_uuid } from '../../unit/stream/sample_stream.js';

const store = createBtrfs();
const never = new AbortController().signal;
const bytes = (text: string): Buffer => Buffer.from(text);
/** `btrfs receive` wants it, whatever it is. */
const ino = 257n;

let fs: LoopFs;
let count = 0;
/** The image's directory, and one beside it that must stay as it is. */
let image: string;
let outside: string;
/** Identities of this test's parent and snapshot: those of another would be found. */
let parent_uuid: string;
let uuid: string;

beforeAll(async () => {
  fs = await makeLoopFs({ size_mb: 256 });
});
afterAll(async () => {
  await fs?.dispose();
});
beforeEach(async () => {
  count += 1;
  // A name that a shell or mountinfo would not show as it is.
  image = join(fs.mountpoint, `vm ${count} $(id) "x"`);
  outside = join(fs.mountpoint, `outside-${count}`);
  const own = String(count).padStart(2, '0');
  parent_uuid = sample_uuid.replace(/..$/, own).replace(/^../, 'aa');
  uuid = sample_uuid.replace(/..$/, own).replace(/^../, 'bb');
  await mkdir(image);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'the secret\n', { mode: 0o600 });
});

const subvol = (path: string): StreamCommand => ({
  command: 'subvol',
  path: bytes(path),
  uuid,
  ctransid: 7n,
});
const snapshotOf = (clone_uuid: string): StreamCommand => ({
  command: 'snapshot',
  path: bytes('2'),
  uuid,
  ctransid: 9n,
  clone_uuid,
  clone_ctransid: 7n,
});
const end: StreamCommand = { command: 'end' };
const mkfile = (path: string): StreamCommand => ({ command: 'mkfile', path: bytes(path), ino });
const write = (path: string, text: string): StreamCommand => ({
  command: 'write',
  path: bytes(path),
  file_offset: 0n,
  data: bytes(text),
});
const symlinkTo = (path: string, to: string): StreamCommand => ({
  command: 'symlink',
  path: bytes(path),
  path_link: bytes(to),
  ino,
});
const mode = (path: string): StreamCommand => ({ command: 'chmod', path: bytes(path), mode: 0o666n });

function streamOf(commands: readonly StreamCommand[]): Buffer {
  return Buffer.concat([writeStreamHeader(1), ...commands.map((command) => encodeCommand(command, 1))]);
}

/** Plain `btrfs receive`; @returns what it complains about */
async function plainReceive(stream: Buffer, directory = image): Promise<string> {
  const { exitCode, stderr } = await execa('btrfs', ['receive', '--quiet', directory], {
    input: stream,
    reject: false,
  });
  return exitCode === 0 ? '' : stderr;
}

/** The parent stands there as plain `btrfs receive` makes it, with a symlink to outside and one to a file there. */
async function makeParent(): Promise<void> {
  const commands: StreamCommand[] = [
    { command: 'subvol', path: bytes('1'), uuid: parent_uuid, ctransid: 7n },
    symlinkTo('way', outside),
    symlinkTo('file', join(outside, 'secret')),
    mkfile('plain'),
    write('plain', 'as it was'),
    end,
  ];
  expect(await plainReceive(streamOf(commands))).toBe('');
}

class Reception {
  checkpoint: Checkpoint | null = null;
  hidden_name = '';
  #run = 0;

  async receive(steps: readonly Step[], whole: Buffer, incremental: boolean): Promise<ReceiveEnd> {
    this.#run += 1;
    const parent = incremental ? parent_uuid : null;
    const receiver = new SegmentedReceive({
      expected: { uuid, parent_uuid: parent, stream_version: 1, name: '2', sources: new Set([parent_uuid]) },
      seed: `${count}-abcd`,
      run: this.#run,
      checkpoint: this.checkpoint,
      segment_bytes: 1024 * 1024,
      segment_ms: 60_000,
      clock,
      startReceiver: (onFailure) => {
        const call = receiveArguments({ directory: image });
        const ends = { stdin: 'pipe', stdout: 'none', wrapper: confinedTo(image) } as const;
        return new SegmentReceiver(startChild({ ...call, ...ends }), onFailure);
      },
      makeDurable: async (checkpoint) => {
        await store.sync(image);
        this.checkpoint = checkpoint;
      },
    });
    const source = new StepSource(steps, trailerOf(whole));
    const meter = new Meter(clock);
    const result = await pumpReceive({ receiver, codec: 'none', source, meter, clock, signal: never });
    this.hidden_name = receiver.hidden_name;
    return result;
  }
}

/** @returns the failure of a reception of these commands */
async function refusalOf(commands: readonly StreamCommand[], incremental = false): Promise<IcbdError> {
  const stream = streamOf(commands);
  const thrown: unknown = await new Reception()
    .receive([stream], stream, incremental)
    .catch((error) => error);
  if (thrown instanceof IcbdError) return thrown;
  throw new Error(`it was not refused: ${JSON.stringify(thrown)}`);
}

async function expectUntouched(): Promise<void> {
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('the secret\n');
  expect((await stat(join(outside, 'secret'))).mode & 0o777).toBe(0o600);
  await expect(lstat(join(outside, 'escaped'))).rejects.toThrow('ENOENT');
  expect((await store.listSnapshots(image)).map(({ number }) => number)).not.toContain('2');
}

/** But for those of tests that run at the same time, which come, go, and are mounted in other ways. */
async function mounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.filter((line) => !line.includes('icbdrep-') || line.includes(fs.mountpoint));
}

test('this machine can confine, and what is mounted stays as it is for all others', async () => {
  const before = await mounts();
  expect(before.some((line) => line.includes(fs.mountpoint))).toBe(true);
  expect(await whyNotConfined(image)).toBeUndefined();
  expect(await mounts()).toEqual(before);
});

test('an ordinary stream gives an ordinary snapshot, with symlinks and special files as they are', async () => {
  await makeParent();
  const stream = streamOf([
    snapshotOf(parent_uuid),
    symlinkTo('third', '/etc'),
    { command: 'mkfifo', path: bytes('fifo'), ino },
    { command: 'rename', path: bytes('way'), path_to: bytes('moved') },
    { command: 'chown', path: bytes('moved'), uid: 1n, gid: 2n },
    { command: 'unlink', path: bytes('file') },
    write('plain', 'changed  '),
    end,
  ]);
  const reception = new Reception();
  expect((await reception.receive([stream], stream, true)).kind).toBe('complete');
  const made = join(image, reception.hidden_name);
  expect(await store.inspect(made)).toMatchObject({ received_uuid: uuid, read_only: true });
  expect([await readlink(join(made, 'third')), await readlink(join(made, 'moved'))]).toEqual([
    '/etc',
    outside,
  ]);
  expect(await lstat(join(made, 'moved'))).toMatchObject({ uid: 1, gid: 2 });
  expect((await lstat(join(made, 'fifo'))).isFIFO()).toBe(true);
  expect(await readFile(join(made, 'plain'), 'utf8')).toBe('changed  ');
  await expectUntouched();
});

describe('a symlink that the parent holds, of which the stream says nothing', () => {
  const attacks: [string, () => StreamCommand[]][] = [
    ['a file is made through it', () => [mkfile('way/escaped')]],
    ['a file is written through it', () => [write('way/secret', 'owned')]],
    ['the file that it leads to is written', () => [write('file', 'owned')]],
    ['the file that it leads to is emptied', () => [{ command: 'truncate', path: bytes('file'), size: 0n }]],
    ['the mode of the file that it leads to is changed', () => [mode('file')]],
    [
      'a file that it leads to is cloned from the parent',
      () => [
        mkfile('stolen'),
        {
          command: 'clone',
          path: bytes('stolen'),
          file_offset: 0n,
          clone_len: 11n,
          clone_uuid: parent_uuid,
          clone_ctransid: 7n,
          clone_path: bytes('file'),
          clone_offset: 0n,
        },
      ],
    ],
  ];

  test('is followed by plain btrfs receive', async () => {
    await makeParent();
    const stream = [
      snapshotOf(parent_uuid),
      mkfile('way/escaped'),
      write('file', 'owned'),
      mode('file'),
      end,
    ];
    expect(await plainReceive(streamOf(stream))).toBe('');
    expect((await lstat(join(outside, 'escaped'))).isFile()).toBe(true);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('ownedecret\n');
    expect((await stat(join(outside, 'secret'))).mode & 0o777).toBe(0o666);
  });

  test.each(attacks)('is not followed here: %s', async (_, commands) => {
    await makeParent();
    const error = await refusalOf([snapshotOf(parent_uuid), ...commands(), end], true);
    expect(error).toMatchObject({ code: 'BtrfsFailed' });
    expect(error.message).toContain('Too many levels of symbolic links');
    await expectUntouched();
  });

  test('a symlink of the stream itself, forgotten by a resumed firewall, is not followed either', async () => {
    const filler = Array.from({ length: 40 }, (_, index) => write(`f${index}`, 'x'.repeat(40_000)));
    const files = filler.map((_, index) => mkfile(`f${index}`));
    const before = [subvol('2'), symlinkTo('way', outside), ...files, ...filler];
    const stream = streamOf([...before, mkfile('way/escaped'), end]);
    const reception = new Reception();
    await reception.receive([streamOf(before), link_lost], stream, false);
    const { checkpoint } = reception;
    // The end of what came may be the END command, so the last command waits for what follows.
    const last_bytes = encodeCommand(before.at(-1) ?? end, 1).length;
    expect(checkpoint?.offset_bytes).toBe(streamOf(before).length - last_bytes);
    const rest = stream.subarray(checkpoint?.proof.offset_bytes);
    await expect(reception.receive([rest], stream, false)).rejects.toMatchObject({
      code: 'BtrfsFailed',
      message: expect.stringContaining('Too many levels of symbolic links'),
    });
    await expectUntouched();
  });
});

describe('what no stream of the snapshot has is refused before btrfs receive sees it', () => {
  const refused: [string, (() => StreamCommand[]) | StreamCommand[], string][] = [
    ['a path with ".."', [mkfile('../../escaped')], '".."'],
    ['an absolute path', [mkfile('/tmp/escaped')], 'absolute'],
    [
      'a path through a symlink of the stream',
      () => [symlinkTo('w', outside), mkfile('w/escaped')],
      'symlink',
    ],
    [
      'a mode behind a symlink of the stream',
      () => [symlinkTo('w', join(outside, 'secret')), mode('w')],
      'symlink',
    ],
    [
      'a device that is opened',
      [{ command: 'mknod', path: bytes('d'), ino, mode: 0o060600n, rdev: 1n }, write('d', 'x')],
      'device',
    ],
    ['another subvolume', () => [subvol('3')], 'this is another'],
    [
      'a stream without data',
      [{ command: 'update_extent', path: bytes('f'), file_offset: 0n, size: 9n }],
      'empty files',
    ],
  ];

  test.each(refused)('%s', async (_, commands, why) => {
    const inner = typeof commands === 'function' ? commands() : commands;
    const error = await refusalOf([subvol('2'), ...inner, end]);
    expect(error).toMatchObject({ code: 'StreamRefused', retryable: false });
    expect(error.message).toContain(why);
    await expectUntouched();
  });

  test('another name, another base, and more behind the end', async () => {
    await makeParent();
    const other = sample_uuid.replace(/^../, 'cc');
    for (const [commands, incremental] of [
      [[subvol('../../escaped'), end], false],
      [[subvol('1'), end], false],
      [[snapshotOf(other), end], true],
      [[subvol('2'), end], true],
      [[snapshotOf(parent_uuid), end], false],
    ] as const) {
      expect(await refusalOf(commands, incremental)).toMatchObject({ code: 'StreamRefused' });
    }
    const twice = Buffer.concat([streamOf([subvol('2'), end]), streamOf([subvol('2'), end])]);
    await expect(new Reception().receive([twice], twice, false)).rejects.toMatchObject({
      code: 'StreamRefused',
      message: expect.stringContaining('behind its END'),
    });
    await expectUntouched();
  });

  test('a directory that is reached by a symlink is received into all the same', async () => {
    const link = join(fs.mountpoint, `link-${count}`);
    await symlink(image, link);
    const stream = streamOf([subvol('2'), mkfile('a'), end]);
    const plain_image = image;
    image = link;
    const reception = new Reception();
    await reception.receive([stream], stream, false);
    expect((await stat(join(plain_image, reception.hidden_name, 'a'))).size).toBe(0);
  });
});
