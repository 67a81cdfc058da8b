/** Sources, streams and runs of the real tool for the tests of `stream receive`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { sendArguments } from '../../../src/btrfs/stream_arguments.js';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { changeImageTree, makeImageTree } from '../../support/image_tree.js';
import type { LoopFs } from '../../support/loopfs.js';

export const store = createBtrfs();
export const mib = 1024 * 1024;
/** Small, so that a stream of some 20 MB has many. */
export const checkpoint_bytes = 2 * mib;
const root = new URL('../../../', import.meta.url).pathname;

/** Three snapshots of one image, the second and third with changes. */
export async function makeSource(loop_fs: LoopFs): Promise<string> {
  const image = join(loop_fs.mountpoint, 'image');
  const live = join(image, 'live');
  await mkdir(image);
  await store.createSubvolume(live);
  await makeImageTree(live, 1, 20_000_000);
  for (const number of ['1', '2', '3']) {
    await store.createSnapshot(live, join(image, number));
    await changeImageTree(live, 10 + Number(number));
    // Larger than a checkpoint, so that incremental streams have several.
    await execa('cp', ['--reflink=never', join(live, 'disk.img'), join(live, `copy-${number}`)]);
  }
  return image;
}

/** Writes what `btrfs send` gives into a file; returns its path. */
export async function writeStream(
  image: string,
  number: string,
  parent: string | undefined,
  stream_version: StreamVersion,
): Promise<string> {
  const what = { path: join(image, number), parent: parent === undefined ? undefined : join(image, parent) };
  const call = sendArguments({ ...what, stream_version, compressed_data: stream_version === 2 });
  const file = join(image, `${parent ?? ''}-${number}-v${stream_version}.stream`);
  const child = spawn(call.program, call.args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = createWriteStream(file);
  child.stdout.pipe(output);
  const [[code]] = await Promise.all([once(child, 'exit'), once(output, 'close')]);
  if (code !== 0) throw new Error(`btrfs send ended with ${code}`);
  return file;
}

export interface Ended {
  readonly exit_code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningReceive {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The checkpoints that it has told of with -v, in bytes: each was durable before it was told. */
  told(): readonly number[];
}

function checkpointsIn(text: string): number[] {
  return [...text.matchAll(/checkpoint at byte (\d+)/g)].map(([, bytes]) => Number(bytes));
}

/**
 * Starts `icbdrep stream receive` as a process.
 * @param input what it gets on stdin, none by default
 * @param is_held whether stdin stays open behind it, as if more were to come
 */
export function startReceive(args: readonly string[], input?: Buffer, is_held = false): RunningReceive {
  const program = join(root, 'dist/cli/icbdrep.js');
  const child = spawn(process.execPath, [program, 'stream', 'receive', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  if (is_held) child.stdin.write(input ?? '');
  else child.stdin.end(input);
  const ended = once(child, 'close').then(([exit_code]) => ({
    exit_code: exit_code as number | null,
    ...texts,
  }));
  return { process: child, ended, told: () => checkpointsIn(texts.stderr) };
}

export async function receive(args: readonly string[], input?: Buffer): Promise<Ended> {
  return startReceive(args, input).ended;
}

export const checkpoints = ['--checkpoint', String(checkpoint_bytes)];

/** Names in a directory that start with `.icbdrep-`. */
export async function hiddenNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('.icbdrep-'));
}

/** Where the state file in a directory says that the next run goes on; 0 if there is none. */
export async function durableBytes(directory: string): Promise<number> {
  const name = (await hiddenNames(directory)).find((hidden) => hidden.endsWith('.json'));
  if (name === undefined) return 0;
  const text = await readFile(join(directory, name), 'utf8').catch(() => '{"subvolumes":[]}');
  const { subvolumes } = JSON.parse(text) as {
    subvolumes: { part: { offset_bytes: number } | null; end: { offset_bytes: number } | null }[];
  };
  return Math.max(
    0,
    ...subvolumes.flatMap(({ part, end }) => [part?.offset_bytes ?? 0, end?.offset_bytes ?? 0]),
  );
}

/** Waits until a run has made so much durable, or has ended. */
export async function waitForBytes(directory: string, bytes: number, run: RunningReceive): Promise<void> {
  while ((await durableBytes(directory)) < bytes) {
    if ((await Promise.race([run.ended, sleep(5)])) !== undefined) return;
  }
}

/** Waits until a run with -v has told of a checkpoint at or behind that byte, or has ended; returns the last told. */
export async function waitForTold(bytes: number, run: RunningReceive): Promise<number> {
  const last = () => run.told().at(-1) ?? 0;
  while (last() < bytes) {
    if ((await Promise.race([run.ended, sleep(5)])) !== undefined) break;
  }
  return last();
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** What `btrfs subvolume show` tells that later transfers depend on. */
export async function identity(path: string): Promise<unknown> {
  const { received_uuid, read_only } = await store.inspect(path);
  const { stdout } = await execa('btrfs', ['subvolume', 'show', path]);
  const send_transid = /Send transid:\s*(\d+)/.exec(stdout)?.[1];
  return { received_uuid, read_only, send_transid };
}
