import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll } from 'vitest';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { receiveArguments, sendArguments } from '../../../src/btrfs/stream_arguments.js';
import { HeadRewriter } from '../../support/head_rewriter.js';
import { TailHolder } from '../../../src/stream/tail_holder.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { describeSnapshotStore } from './snapshot_store_contract.js';

let loop_fs: LoopFs;
let elsewhere: string;
let made = 0;
beforeAll(async () => {
  loop_fs = await makeLoopFs({ size_mb: 256 });
  elsewhere = await mkdtemp(join(tmpdir(), 'icbdrep-contract-'));
}, 60_000);
afterAll(async () => {
  await loop_fs?.dispose();
  if (elsewhere !== undefined) await rm(elsewhere, { recursive: true, force: true });
});

async function receive(source: string, path: string, complete: boolean): Promise<void> {
  const send = sendArguments({ path: source, stream_version: 1, compressed_data: false });
  const { stdout } = await execa(send.program, send.args, { encoding: 'buffer' });
  const [rewriter, holder] = [new HeadRewriter(basename(path)), new TailHolder()];
  const input = rewriter.push(Buffer.from(stdout)).flatMap((part) => holder.push(part));
  if (complete) input.push(holder.finish());
  const call = receiveArguments({ directory: dirname(path) });
  const { exitCode, stderr } = await execa(call.program, call.args, {
    input: Buffer.concat(input),
    reject: false,
  });
  if ((exitCode === 0) !== complete) throw new Error(`btrfs receive ended with ${exitCode}: ${stderr}`);
}

describeSnapshotStore('on btrfs', async () => {
  made += 1;
  const root = join(loop_fs.mountpoint, `test ${made}`);
  await mkdir(root);
  return {
    store: createBtrfs(),
    root,
    elsewhere,
    makeDirectory: async (path) => {
      await mkdir(path, { recursive: true });
    },
    makeFile: async (path) => {
      await writeFile(path, 'content');
    },
    receive,
    dispose: async () => {},
  };
});
