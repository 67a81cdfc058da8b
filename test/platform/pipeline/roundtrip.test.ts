import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codec_names } from '../../../src/core/codecs.js';
import { startChild } from '../../../src/pipeline/child.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { pumpReceive } from '../../../src/pipeline/receive_pump.js';
import { pumpSend } from '../../../src/pipeline/send_pump.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { MemoryLink } from '../../unit/pipeline/memory_link.js';

const signal = new AbortController().signal;
const clock = { now: () => performance.now(), after: () => () => undefined };
/** A stream without its END command leaves the subvolume unfinished. */
const end_command_bytes = 10;
let filesystem: LoopFs;
let small: LoopFs;
let snapshot: string;

beforeAll(async () => {
  filesystem = await makeLoopFs({ size_mb: 1024 });
  small = await makeLoopFs({ size_mb: 128 });
  const { mountpoint } = filesystem;
  await execa('btrfs', ['subvolume', 'create', join(mountpoint, 'vm')]);
  writeFileSync(
    join(mountpoint, 'vm', 'disk.raw'),
    Buffer.concat([randomBytes(90_000_000), Buffer.alloc(60_000_000, 'vm')]),
  );
  writeFileSync(join(mountpoint, 'vm', 'notes'), 'a small file');
  snapshot = join(mountpoint, '1');
  await execa('btrfs', ['subvolume', 'snapshot', '-r', join(mountpoint, 'vm'), snapshot]);
});

afterAll(async () => {
  await filesystem?.dispose();
  await small?.dispose();
});

function startSend() {
  return startChild({ program: 'btrfs', args: ['send', '-q', snapshot], stdin: 'none', stdout: 'pipe' });
}

function startReceive(directory: string) {
  mkdirSync(directory);
  return startChild({ program: 'btrfs', args: ['receive', '-q', directory], stdin: 'pipe', stdout: 'none' });
}

function holdBackEnd() {
  let held = Buffer.alloc(0);
  return {
    push: (chunk: Buffer) => {
      const joined = Buffer.concat([held, chunk]);
      held = joined.subarray(-end_command_bytes);
      return [joined.subarray(0, -end_command_bytes)];
    },
    finish: () => [held],
  };
}

async function infoOf(path: string): Promise<string> {
  return (await execa('btrfs', ['subvolume', 'show', path])).stdout;
}

it.each(codec_names)(
  'btrfs send to btrfs receive with codec %s gives an identical snapshot',
  async (codec) => {
    const directory = join(filesystem.mountpoint, `to-${codec}`);
    const link = new MemoryLink();
    const meter = new Meter(clock);
    const [sent, received] = await Promise.all([
      pumpSend({ child: startSend(), codec, sink: link.sink, meter, signal }),
      pumpReceive({
        child: startReceive(directory),
        codec,
        source: link.source,
        transform: holdBackEnd(),
        meter: new Meter(clock),
        signal,
      }),
    ]);
    expect(received).toEqual(sent);
    expect(meter.bytes).toBeGreaterThan(150_000_000);
    const copy = join(directory, '1');
    const uuid = /UUID:\s+(\S+)/.exec(await infoOf(snapshot))?.[1];
    expect(/Received UUID:\s+(\S+)/.exec(await infoOf(copy))?.[1]).toBe(uuid);
    for (const file of ['disk.raw', 'notes']) {
      const [theirs, ours] = await Promise.all([readFile(join(copy, file)), readFile(join(snapshot, file))]);
      expect([file, theirs.equals(ours)]).toEqual([file, true]);
    }
    await execa('btrfs', ['subvolume', 'delete', copy]);
  },
);

it('a byte damaged on its way leaves the snapshot unfinished: no received_uuid, not read-only', async () => {
  const directory = join(filesystem.mountpoint, 'damaged');
  const link = new MemoryLink();
  // The block's last bytes: content of the file, or of a command whose CRC the receiver checks as well.
  link.onBlock = (block, index) => {
    if (index !== 100) return block;
    const damaged = Buffer.from(block);
    damaged.writeUInt8(damaged.readUInt8(5_000) ^ 1, 5_000);
    return damaged;
  };
  const results = await Promise.allSettled([
    pumpSend({ child: startSend(), codec: 'none', sink: link.sink, meter: new Meter(clock), signal }),
    pumpReceive({
      child: startReceive(directory),
      codec: 'none',
      source: link.source,
      transform: holdBackEnd(),
      meter: new Meter(clock),
      signal,
    }),
  ]);
  expect(results[1]).toMatchObject({ status: 'rejected' });
  const info = await infoOf(join(directory, '1'));
  expect(/Received UUID:\s+(\S+)/.exec(info)?.[1]).toBe('-');
  expect(/Flags:\s+(\S+)/.exec(info)?.[1]).toBe('-');
});

it('a full disk is reported as NoSpace, and both processes end', async () => {
  const link = new MemoryLink();
  const sender = startSend();
  const receiver = startReceive(join(small.mountpoint, 'to'));
  const [sent, received] = await Promise.allSettled([
    pumpSend({ child: sender, codec: 'none', sink: link.sink, meter: new Meter(clock), signal }),
    pumpReceive({
      child: receiver,
      codec: 'none',
      source: link.source,
      transform: holdBackEnd(),
      meter: new Meter(clock),
      signal,
    }),
  ]);
  expect(received).toMatchObject({ status: 'rejected', reason: { code: 'NoSpace', retryable: true } });
  expect(sent).toMatchObject({ status: 'rejected', reason: { code: 'NoSpace' } });
  expect((await receiver.finished).exit_code).not.toBe(0);
  expect((await sender.finished).exit_code).not.toBe(0);
});
