/** Snapshots of everything that a filesystem can hold, and of nothing. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';
import { differences, isSettled, send, untilTransfer } from '../../support/replicate.js';
import { changeSpecialTree, makeSpecialTree } from '../../support/special_tree.js';

const mib = 1024 * 1024;
const small_files = 200_000;
const files_per_directory = 1_000;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await Fleet.start({ size_mb: 2_048 });
});
afterAll(async () => {
  await fleet?.dispose();
});

/** Takes the next snapshot, sends it, and waits; returns the completed transfer. */
async function replicate(image: string) {
  const { number } = await fleet.master.client.snapshots.create(image);
  const { id } = await send(fleet, image, number);
  const transfer = await untilTransfer(fleet, id, isSettled, 120_000);
  expect(transfer, JSON.stringify(transfer.last_error)).toMatchObject({ state: 'completed' });
  return transfer;
}

/** Bytes that the files under a path share with others. */
async function sharedBytes(directory: string): Promise<number> {
  const { stdout } = await execa('btrfs', ['filesystem', 'du', '--summarize', '--raw', directory]);
  const [total = 0, exclusive = 0] = (stdout.split('\n')[1] ?? '').trim().split(/\s+/).map(Number);
  return total - exclusive;
}

test('special files, names, links, attributes and clones, in full and as changes', async () => {
  const source = await fleet.addImage('special');
  await makeSpecialTree(source);
  expect(await replicate('special')).toMatchObject({ parent: null });
  await changeSpecialTree(source);
  expect(await replicate('special')).toMatchObject({ parent: '1' });
  expect(await differences(fleet, 'special', ['1', '2'])).toEqual([]);

  const replica = fleet.replica(0);
  // A hole that was filled, or a clone that was written out, is no difference in content.
  const sparse = lstatSync(path.join(replica.snapshotPath('special', '1'), 'sparse'));
  expect(sparse.blocks * 512).toBeLessThan(mib);
  expect(await sharedBytes(replica.snapshotPath('special', '1'))).toBeGreaterThan(3 * mib);
  expect(await sharedBytes(replica.snapshotPath('special', '2'))).toBeGreaterThan(5 * mib);
});

test('an empty snapshot, and one without changes', async () => {
  await fleet.addImage('empty');
  const full = await replicate('empty');
  const increment = await replicate('empty');
  expect([full.parent, increment.parent]).toEqual([null, '1']);
  // Header, SNAPSHOT, one UTIMES and END: there is no content to send.
  expect(increment.stream_bytes).toBeLessThan(400);
  expect(await differences(fleet, 'empty', ['1', '2'])).toEqual([]);
});

/** Of an archive of a tree: names, contents, owners, modes, times to the nanosecond, attributes. */
async function digestOf(directory: string): Promise<string> {
  const pax = ['--format=posix', '--pax-option=delete=atime,delete=ctime', '--xattrs'];
  const archive = execa('tar', ['--create', '--sort=name', ...pax, '.'], {
    cwd: directory,
    encoding: 'buffer',
    buffer: false,
  });
  const hash = createHash('sha256');
  for await (const chunk of archive.stdout) hash.update(chunk as Buffer);
  await archive;
  return hash.digest('hex');
}

test(`a snapshot of ${small_files} small files`, async () => {
  const source = await fleet.addImage('small');
  const content = Buffer.from('the content of a small file');
  for (let index = 0; index < small_files; index += 1) {
    const directory = path.join(source, String(Math.floor(index / files_per_directory)));
    if (index % files_per_directory === 0) {
      mkdirSync(directory);
      // Others of this process get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const file = openSync(path.join(directory, `file-${index}`), 'w');
    writeSync(file, content, 0, 1 + (index % content.length));
    closeSync(file);
  }
  await replicate('small');
  const [original, copy] = [fleet.master, fleet.replica(0)].map((node) => node.snapshotPath('small', '1'));
  expect(await digestOf(copy ?? '')).toBe(await digestOf(original ?? ''));
});
