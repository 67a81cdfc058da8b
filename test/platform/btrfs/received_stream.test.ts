/** Real streams, renamed and with END withheld, received by the real program. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { estimateStreamBytes } from '../../../src/btrfs/estimate.js';
import { receiveArguments, sendArguments } from '../../../src/btrfs/stream_arguments.js';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { identityOf } from '../../../src/core/lineage.js';
import { CommandReader } from '../../../src/stream/command_reader.js';
import { command_types, stream_header_bytes } from '../../../src/stream/constants.js';
import { HeadRewriter } from '../../support/head_rewriter.js';
import { TailHolder } from '../../../src/stream/tail_holder.js';
import { compareTrees } from '../../support/compare_trees.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';

const store = createBtrfs();
const hidden = '.icbdrep-transfer.1';
let master: LoopFs;
let replica: LoopFs;
let image: string;

beforeAll(async () => {
  master = await makeLoopFs({ size_mb: 512 });
  replica = await makeLoopFs({ size_mb: 512 });
  image = join(master.mountpoint, 'image');
  const live = join(image, 'live');
  await mkdir(image);
  await store.createSubvolume(live);
  await makeImageTree(live, 1, 20_000_000);
  await store.createSnapshot(live, join(image, '1'));
  await changeImageTree(live, 2);
  await store.createSnapshot(live, join(image, '2'));
  await changeImageTree(live, 3);
  await store.createSnapshot(live, join(image, '3'));
});
afterAll(async () => {
  await master?.dispose();
  await replica?.dispose();
});

async function send(
  number: string,
  parent: string | undefined,
  stream_version: StreamVersion,
): Promise<Buffer> {
  const call = sendArguments({
    path: join(image, number),
    parent: parent === undefined ? undefined : join(image, parent),
    stream_version,
    compressed_data: stream_version >= 2,
  });
  const { stdout } = await execa(call.program, call.args, { encoding: 'buffer', maxBuffer: 1024 ** 3 });
  return Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength);
}

/** Starts a real receive; the stream goes through rewriter and holder in pieces of a socket's size. */
function startReceive(
  directory: string,
  stream: Buffer,
): { holder: TailHolder; end: (last?: Buffer) => Promise<number> } {
  const call = receiveArguments({ directory });
  const child = execa(call.program, call.args, { reject: false, stdin: 'pipe' });
  const [rewriter, holder] = [new HeadRewriter(hidden), new TailHolder()];
  for (let at = 0; at < stream.length; at += 65_537) {
    for (const renamed of rewriter.push(stream.subarray(at, at + 65_537))) {
      for (const part of holder.push(renamed)) child.stdin.write(part);
    }
  }
  rewriter.finish();
  const end = async (last?: Buffer): Promise<number> => {
    child.stdin.end(last);
    return (await child).exitCode ?? -1;
  };
  return { holder, end };
}

async function replicaDirectory(name: string): Promise<string> {
  const directory = join(replica.mountpoint, name);
  await mkdir(directory);
  return directory;
}

describe.each([1, 2] as const)('stream version %d', (version) => {
  test('full, then two incrementals: hidden, then published under their numbers, identical', async () => {
    const directory = await replicaDirectory(`image v${version}`);
    let parent: string | undefined;
    for (const number of ['1', '2', '3']) {
      const source = await store.inspect(join(image, number));
      const { holder, end } = startReceive(directory, await send(number, parent, version));
      expect(await end(holder.finish())).toBe(0);
      expect(await store.listHidden(directory)).toEqual([hidden]);
      expect(await store.inspect(join(directory, hidden))).toMatchObject({
        read_only: true,
        received_uuid: source.uuid,
      });
      await store.publish(directory, hidden, number, source.uuid);
      expect(await store.listHidden(directory)).toEqual([]);
      expect(await compareTrees(join(image, number), join(directory, number))).toEqual([]);
      parent = number;
    }
    const ours = (await store.listSnapshots(image)).map(identityOf);
    const theirs = await store.listSnapshots(directory);
    expect(theirs.map(identityOf)).toEqual(ours);
    expect(theirs.map(({ number }) => number)).toEqual(['1', '2', '3']);
    for (const number of ['1', '2', '3']) await store.deleteSubvolume(join(directory, number));
  });

  test('without END nothing is complete, and what is left can be deleted', async () => {
    const directory = await replicaDirectory(`withheld v${version}`);
    const { holder, end } = startReceive(directory, await send('1', undefined, version));
    expect(holder.finish().length).toBe(10);
    expect(await end()).not.toBe(0);
    expect(await store.listSnapshots(directory)).toEqual([]);
    expect(await store.inspect(join(directory, hidden))).toMatchObject({
      read_only: false,
      received_uuid: '',
    });
    await store.deleteSubvolume(join(directory, hidden));
    expect(await store.listHidden(directory)).toEqual([]);
  });

  test('every command of a real stream is read', async () => {
    for (const parent of [undefined, '1']) {
      const stream = await send('2', parent, version);
      const reader = new CommandReader();
      let bytes = stream_header_bytes;
      for (let at = 0; at < stream.length; at += 50_001) {
        for (const command of reader.push(stream.subarray(at, at + 50_001))) {
          bytes += command.bytes.length;
          expect(command.attributes().size > 0).toBe(command.type !== command_types.end);
        }
      }
      reader.finish();
      expect(bytes).toBe(stream.length);
    }
  });

  test('the estimate is within 0.1 % of the real stream', async () => {
    for (const parent of [undefined, '1', '2']) {
      const path = join(image, '3');
      const what = {
        path,
        parent: parent === undefined ? undefined : join(image, parent),
        stream_version: version,
      };
      const estimated = await estimateStreamBytes(what, { timeout_ms: 60_000 });
      const real = (await send('3', parent, version)).length;
      expect(estimated).not.toBeNull();
      expect(Math.abs((estimated ?? 0) - real) / real).toBeLessThan(0.001);
    }
  });
});

test('an estimate that takes too long is null, one that is stopped or cannot be made is an error', async () => {
  const what = { path: join(image, '1'), stream_version: 1 } as const;
  // One that hangs: the real one may be done within any time that is short.
  const programs = await mkdtemp(join(tmpdir(), 'icbdrep-hanging-btrfs-'));
  await writeFile(join(programs, 'btrfs'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${programs}:${process.env['PATH'] ?? ''}`);
  try {
    expect(await estimateStreamBytes(what, { timeout_ms: 200 })).toBeNull();
  } finally {
    vi.unstubAllEnvs();
    await rm(programs, { recursive: true });
  }
  const signal = AbortSignal.abort();
  await expect(estimateStreamBytes(what, { timeout_ms: 60_000, signal })).rejects.toThrow(
    expect.objectContaining({ code: 'Cancelled' }),
  );
  const missing = { ...what, path: join(image, 'missing') };
  await expect(estimateStreamBytes(missing, { timeout_ms: 60_000 })).rejects.toThrow(
    expect.objectContaining({ code: 'BtrfsFailed', subject: missing.path }),
  );
});
