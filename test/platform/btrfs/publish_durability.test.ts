/** What is left of a published snapshot when the power goes right afterwards. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, test } from 'vitest';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { receiveArguments, sendArguments } from '../../../src/btrfs/stream_arguments.js';
import { HeadRewriter } from '../../support/head_rewriter.js';
import { compareTrees } from '../../support/compare_trees.js';
import { makeImageTree } from '../../support/image_tree.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';

const store = createBtrfs();
const hidden = '.icbdrep-t.1';
let made: LoopFs[] = [];
afterEach(async () => {
  for (const loop_fs of made) await loop_fs.dispose();
  made = [];
});

/** Goes on with the disk as it is at this moment: all that waits in memory is lost. */
async function cutPower(loop_fs: LoopFs): Promise<void> {
  const as_it_is = `${loop_fs.backing_file}.cut`;
  await execa('cp', ['--sparse=always', loop_fs.backing_file, as_it_is]);
  await execa('umount', [loop_fs.mountpoint]);
  await rename(as_it_is, loop_fs.backing_file);
  await execa('mount', ['-t', 'btrfs', '-o', 'loop', loop_fs.backing_file, loop_fs.mountpoint]);
}

async function receiveHidden(): Promise<{
  source: string;
  directory: string;
  uuid: string;
  replica: LoopFs;
}> {
  const master = await makeLoopFs({ size_mb: 200 });
  made.push(master);
  const replica = await makeLoopFs({ size_mb: 200 });
  made.push(replica);
  const live = join(master.mountpoint, 'live');
  const source = join(master.mountpoint, '1');
  const directory = join(replica.mountpoint, 'image');
  await store.createSubvolume(live);
  await makeImageTree(live, 5, 8_000_000);
  await store.createSnapshot(live, source);
  await mkdir(directory);
  await store.sync(directory);
  const send = sendArguments({ path: source, stream_version: 1, compressed_data: false });
  const { stdout } = await execa(send.program, send.args, { encoding: 'buffer' });
  const receive = receiveArguments({ directory });
  const input = Buffer.concat(new HeadRewriter(hidden).push(Buffer.from(stdout)));
  await execa(receive.program, receive.args, { input });
  return { source, directory, uuid: (await store.inspect(source)).uuid, replica };
}

test('a published snapshot is there with all its content', async () => {
  const { source, directory, uuid, replica } = await receiveHidden();
  await store.publish(directory, hidden, '1', uuid);
  await cutPower(replica);
  expect(await store.inspect(join(directory, '1'))).toMatchObject({ received_uuid: uuid, read_only: true });
  expect(await compareTrees(source, join(directory, '1'))).toEqual([]);
  await store.publish(directory, hidden, '1', uuid);
});

test('one that is received and not published is never visible, whatever is left of it', async () => {
  const { directory, replica } = await receiveHidden();
  await cutPower(replica);
  expect(await store.listSnapshots(directory)).toEqual([]);
  expect(await store.listSnapshots(replica.mountpoint)).toEqual([]);
});
