/** `icbdrep stream receive` killed, and cut off from its power, at any moment. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { CuttableFs } from '../../support/cuttable_fs.js';
import { compareTrees } from '../../support/compare_trees.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import {
  checkpoint_bytes,
  checkpoints,
  durableBytes,
  hiddenNames,
  identity,
  makeSource,
  mib,
  type RunningReceive,
  receive,
  sizeOf,
  startReceive,
  store,
  waitForBytes,
  waitForTold,
  writeStream,
} from './receive_support.js';

let master: LoopFs;
let image: string;
let streams: readonly [number: string, file: string][];
let running: RunningReceive | undefined;

beforeAll(async () => {
  master = await makeLoopFs({ size_mb: 900, mount_options: 'compress=zstd:1' });
  image = await makeSource(master);
  streams = [
    ['1', await writeStream(image, '1', undefined, 2)],
    ['2', await writeStream(image, '2', '1', 1)],
  ];
});
afterEach(async () => {
  running?.process.kill('SIGKILL');
  await running?.ended;
});
afterAll(async () => {
  await master?.dispose();
});

async function expectCopy(directory: string, number: string): Promise<void> {
  const [source, copy] = [join(image, number), join(directory, number)];
  expect(await compareTrees(source, copy)).toEqual([]);
  expect(await identity(copy)).toMatchObject({
    received_uuid: (await store.inspect(source)).uuid,
    read_only: true,
  });
  expect(await hiddenNames(directory)).toEqual([]);
}

/** A row of numbers from 0 to 1 that depends on the seed only (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('killed at ten moments of each stream, it goes on each time and the copies are identical', async () => {
  const seed = Number(process.env['ICBDREP_TEST_SEED'] ?? Date.now() % 1_000_000);
  process.stdout.write(`seed of the kills: ${seed} (ICBDREP_TEST_SEED)\n`);
  const random = randomNumbers(seed);
  const replica = await makeLoopFs({ size_mb: 600 });
  try {
    const directory = join(replica.mountpoint, 'image');
    await mkdir(directory);
    for (const [number, file] of streams) {
      const stream_bytes = await sizeOf(file);
      let kills = 0;
      for (let kill = 0; kill < 10; kill += 1) {
        running = startReceive([...checkpoints, directory, '-f', file]);
        // By progress, and a little later: so each part of the stream is hit, and each step of a checkpoint.
        const before_bytes = await durableBytes(directory);
        const aim_bytes = before_bytes + random() * ((stream_bytes - before_bytes) / (10 - kill));
        await waitForBytes(directory, aim_bytes, running);
        await sleep(random() * 30);
        running.process.kill('SIGKILL');
        if ((await running.ended).exit_code !== null) break;
        kills += 1;
        const kept_bytes = await durableBytes(directory);
        // It was so near to its end that the snapshot has its name, and the state is removed.
        if (kept_bytes === 0 && (await store.isSubvolume(join(directory, number)))) break;
        expect(kept_bytes).toBeGreaterThanOrEqual(before_bytes);
      }
      expect(kills).toBeGreaterThan(5);
      const last = await receive([...checkpoints, directory, '-f', file]);
      // All may have been received before the last kill.
      expect([0, 11]).toContain(last.exit_code);
      await expectCopy(directory, number);
    }
  } finally {
    await replica.dispose();
  }
});

test('after a kill, what is received again is less than what was not yet durable', async () => {
  const replica = await makeLoopFs({ size_mb: 600 });
  try {
    const directory = join(replica.mountpoint, 'image');
    await mkdir(directory);
    const [, file = ''] = streams[0] ?? [];
    running = startReceive([...checkpoints, '-v', directory, '-f', file]);
    await waitForBytes(directory, 8 * mib, running);
    running.process.kill('SIGKILL');
    await running.ended;
    const told = running.told();
    const resumed = await receive([...checkpoints, '--json', directory, '-f', file]);
    const { resumed_from_bytes } = JSON.parse(resumed.stdout) as { resumed_from_bytes: number };
    expect(told.length).toBeGreaterThan(2);
    // A checkpoint that somebody was told of is never lost; they are so far apart as was asked for.
    expect(resumed_from_bytes).toBeGreaterThanOrEqual(told.at(-1) ?? 0);
    for (const [place, bytes] of told.entries()) {
      expect(bytes - (told[place - 1] ?? 0)).toBeLessThan(checkpoint_bytes + 192 * 1024);
    }
    await expectCopy(directory, '1');
  } finally {
    await replica.dispose();
  }
});

test('with the disk as it is when the power goes, it goes on from the checkpoint that the state names', async () => {
  const inner = await CuttableFs.make(600);
  try {
    const directory = join(inner.mountpoint, 'image');
    await mkdir(directory);
    await store.sync(directory);
    for (const [number, file] of streams) {
      const stream = await readFile(file);
      for (const aim of [0.3, 0.8]) {
        // The rest never comes: so it cannot be done before the copy is made.
        const input = stream.subarray(0, aim * stream.length + 2 * checkpoint_bytes);
        running = startReceive([...checkpoints, '-v', directory], input, true);
        // Only what was told counts: a state file can be seen a moment before its new name is on disk.
        const durable_bytes = await waitForTold(aim * stream.length - checkpoint_bytes, running);
        await inner.copyNow();
        running.process.kill('SIGKILL');
        await running.ended;
        await inner.mountCopy();
        expect(durable_bytes).toBeGreaterThan(0);
        expect(await durableBytes(directory)).toBeGreaterThanOrEqual(durable_bytes);
      }
      const last = await receive([...checkpoints, '--json', directory, '-f', file]);
      expect(last.exit_code).toBe(0);
      const { resumed_from_bytes } = JSON.parse(last.stdout) as { resumed_from_bytes: number };
      expect(resumed_from_bytes).toBeGreaterThanOrEqual(0.8 * stream.length - checkpoint_bytes);
      await expectCopy(directory, number);
    }
  } finally {
    await inner.dispose();
  }
});

test('a checkpoint at the end of a stream that broke off is on disk when the program has ended', async () => {
  const inner = await CuttableFs.make(600);
  try {
    const directory = join(inner.mountpoint, 'image');
    await mkdir(directory);
    await store.sync(directory);
    for (const [number, file] of streams) {
      const stream = await readFile(file);
      // No segment follows: to take a snapshot of a part would have written it to the disk, sync or not.
      const failed = await receive([...checkpoints, directory], stream.subarray(0, stream.length * 0.7));
      await inner.copyNow();
      expect(failed.exit_code).toBe(1);
      await inner.mountCopy();
      const resumed = await receive([...checkpoints, '--json', directory, '-f', file]);
      const { resumed_from_bytes } = JSON.parse(resumed.stdout) as { resumed_from_bytes: number };
      expect(resumed_from_bytes).toBeGreaterThan(0.7 * stream.length - 192 * 1024);
      await expectCopy(directory, number);
    }
  } finally {
    await inner.dispose();
  }
});

test('a slow stream has checkpoints by time; with -e an END that was reached before the crash is the end', async () => {
  const replica = await makeLoopFs({ size_mb: 600 });
  try {
    const directory = join(replica.mountpoint, 'image');
    await mkdir(directory);
    const [, file = ''] = streams[0] ?? [];
    const stream = await readFile(file);
    running = startReceive(
      ['-v', '--checkpoint', '1G', '--checkpoint-seconds', '1', directory],
      stream.subarray(0, 4 * mib),
      true,
    );
    await sleep(2_500);
    running.process.stdin?.write(stream.subarray(4 * mib, 5 * mib));
    await waitForBytes(directory, 4 * mib, running);
    running.process.kill('SIGKILL');
    expect((await running.ended).stderr).toContain('checkpoint at byte');
    expect(await durableBytes(directory)).toBeGreaterThan(4 * mib);

    // As if it had been killed between giving the name and removing the state.
    const [name = ''] = (await hiddenNames(directory)).filter((hidden) => hidden.endsWith('.json'));
    expect((await receive([...checkpoints, directory], stream.subarray(0, -10))).exit_code).toBe(1);
    const before = await readFile(join(directory, name), 'utf8');
    expect((await receive([...checkpoints, directory], stream)).exit_code).toBe(0);
    const state = JSON.parse(before) as { subvolumes: Record<string, unknown>[] };
    const hash = new StreamHash();
    hash.update(stream);
    const end = { offset_bytes: stream.length, hash: hash.digest(), is_stream_end: true };
    state.subvolumes = state.subvolumes.map((subvolume) => ({ ...subvolume, end }));
    await writeFile(join(directory, name), JSON.stringify(state));
    const both = Buffer.concat([stream, await readFile(streams[1]?.[1] ?? '')]);
    expect((await receive([...checkpoints, '-e', directory], both)).exit_code).toBe(0);
    await expectCopy(directory, '1');
    expect(await store.isSubvolume(join(directory, '2'))).toBe(false);
    await writeFile(join(directory, name), JSON.stringify(state));
    expect((await receive([...checkpoints, directory], both)).exit_code).toBe(0);
    await expectCopy(directory, '2');
  } finally {
    await replica.dispose();
  }
});
