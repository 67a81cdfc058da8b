import { randomBytes } from 'node:crypto';
import { createWriteStream, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codec_names } from '../../../src/core/codecs.js';
import { type StreamPlace, stream_start } from '../../../src/core/data_path.js';
import { type Child, startChild } from '../../../src/pipeline/child.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { OutgoingStream } from '../../../src/pipeline/outgoing_stream.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { MemoryLink } from '../../unit/pipeline/memory_link.js';
import { clock, gridBefore, lost, placesOf, takeAll } from '../../unit/pipeline/outgoing_support.js';

const { signal } = new AbortController();
let filesystem: LoopFs;
let snapshot: string;
/** What `btrfs send` says of it, read in one piece. */
let reference: Buffer;
let places: ReadonlyMap<number, StreamPlace>;

beforeAll(async () => {
  filesystem = await makeLoopFs({ size_mb: 1024 });
  const { mountpoint } = filesystem;
  await execa('btrfs', ['subvolume', 'create', join(mountpoint, 'vm')]);
  writeFileSync(
    join(mountpoint, 'vm', 'disk.raw'),
    Buffer.concat([randomBytes(50_000_000), Buffer.alloc(30_000_000, 'vm')]),
  );
  snapshot = join(mountpoint, '1');
  await execa('btrfs', ['subvolume', 'snapshot', '-r', join(mountpoint, 'vm'), snapshot]);
  const file = join(mountpoint, 'stream');
  await execa('btrfs', ['send', '-q', '-f', file, snapshot]);
  reference = await readFile(file);
  rmSync(file);
  places = placesOf(reference);
});

afterAll(async () => {
  await filesystem?.dispose();
});

function startSend(): Child {
  return startChild({ program: 'btrfs', args: ['send', '-q', snapshot], stdin: 'none', stdout: 'pipe' });
}

const placeBefore = (offset_bytes: number): StreamPlace =>
  places.get(gridBefore(offset_bytes)) ?? stream_start;

it.each(codec_names)('one btrfs send arrives whole over three links, with codec %s', async (codec) => {
  const stream = new OutgoingStream({ child: startSend(), clock });
  let received = Buffer.alloc(0);
  for (const loses_at_bytes of [9_000_000, 20_000_000, Infinity]) {
    const place = placeBefore(received.length);
    expect(stream.covers(place)).toBe(true);
    received = received.subarray(0, place.offset_bytes);
    const from_bytes = received.length;
    const link = new MemoryLink();
    const taking = takeAll(link, codec, (bytes) => {
      link.source.taken(gridBefore(from_bytes + bytes));
      if (bytes > loses_at_bytes) link.fail(lost);
    });
    const meter = new Meter(clock, from_bytes);
    const sent = await stream
      .sendTo({ sink: link.sink, codec, from_bytes, meter, signal })
      .catch((thrown: unknown) => thrown);
    received = Buffer.concat([received, (await taking).data]);
    expect(sent === lost).toBe(loses_at_bytes !== Infinity);
  }
  expect(received.equals(reference)).toBe(true);
});

it('another btrfs send of the snapshot goes on where the first one was, and its snapshot is identical', async () => {
  const place = placeBefore(60_000_000);
  const stream = new OutgoingStream({ child: startSend(), clock });
  const link = new MemoryLink();
  const { sink } = link;
  await stream.skipTo(place, { sink, meter: new Meter(clock), signal, onSkipped: () => undefined });
  const from_bytes = place.offset_bytes;
  const [trailer, rest] = await Promise.all([
    stream.sendTo({ sink, codec: 'none', from_bytes, meter: new Meter(clock, from_bytes), signal }),
    takeAll(link, 'none', (bytes) => link.source.taken(gridBefore(from_bytes + bytes))),
  ]);
  expect(trailer.stream_bytes).toBe(reference.length);
  const file = join(filesystem.mountpoint, 'joined');
  const writing = createWriteStream(file);
  writing.write(reference.subarray(0, from_bytes));
  writing.end(rest.data);
  await finished(writing);
  const directory = join(filesystem.mountpoint, 'to');
  await execa('mkdir', [directory]);
  await execa('btrfs', ['receive', '-q', '-f', file, directory]);
  const copy = await readFile(join(directory, '1', 'disk.raw'));
  expect(copy.equals(await readFile(join(snapshot, 'disk.raw')))).toBe(true);
});
