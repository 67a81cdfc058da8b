/** Lists on all the ways in which an image's directory can be reached. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import { type RunProgram, runProgram } from '../../../src/btrfs/run_program.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';

let loop_fs: LoopFs;
let runs: string[] = [];
const run: RunProgram = async (program, args, options) => {
  runs.push([program, ...args].join(' '));
  return runProgram(program, args, options);
};
const store = createBtrfs({ run });

beforeAll(async () => {
  loop_fs = await makeLoopFs({ size_mb: 256 });
});
afterAll(async () => {
  await loop_fs?.dispose();
});

/** An image with `count` snapshots, some of them copies of copies, and one writable subvolume. */
async function fillImage(image: string, count: number): Promise<void> {
  await mkdir(image, { recursive: true });
  await store.createSubvolume(join(image, 'live'));
  for (let number = 1; number <= count; number += 1) {
    await store.createSnapshot(join(image, 'live'), join(image, String(number)));
  }
}

async function expectListed(image: string, numbers: readonly string[]): Promise<void> {
  const listed = await store.listSnapshots(image);
  expect(listed.map((snapshot) => snapshot.number)).toEqual(numbers);
  for (const snapshot of listed) {
    expect(await store.inspect(join(image, snapshot.number))).toMatchObject(snapshot);
  }
}

test('the number of processes does not grow with the number of snapshots', async () => {
  const image = join(loop_fs.mountpoint, 'many');
  await fillImage(image, 40);
  // Subvolumes that are read-only and no snapshots are listed as well.
  await store.createSubvolume(join(image, 'base'));
  await execa('btrfs', ['property', 'set', '-ts', join(image, 'base'), 'ro', 'true']);
  runs = [];
  expect((await store.listSnapshots(image)).length).toBe(41);
  expect(runs.length).toBe(5);
  expect(runs.some((line) => line.includes('subvolume show'))).toBe(false);
  await expectListed(image, [...Array.from({ length: 40 }, (_, index) => String(index + 1)), 'base']);
});

test('directories of one name in other places do not mix', async () => {
  const top = loop_fs.mountpoint;
  for (const image of ['x/image', 'y/x/image', 'image']) await fillImage(join(top, image), 1);
  await store.createSnapshot(join(top, 'x/image/live'), join(top, 'x/image/only x'));
  await expectListed(join(top, 'x/image'), ['1', 'only x']);
  await expectListed(join(top, 'y/x/image'), ['1']);
  await expectListed(join(top, 'image'), ['1']);
  expect(await store.listSnapshots(top)).toEqual([]);
});

test('an image inside nested subvolumes, one that is a subvolume itself, and other mounts of them', async () => {
  const outer = join(loop_fs.mountpoint, 'outer');
  await store.createSubvolume(outer);
  await mkdir(join(outer, 'deep'));
  await store.createSubvolume(join(outer, 'deep', 'inner'));
  const image = join(outer, 'deep', 'inner', 'a b', 'image');
  await fillImage(image, 2);
  await store.createSubvolume(join(outer, 'image volume'));
  await fillImage(join(outer, 'image volume'), 2);
  await expectListed(image, ['1', '2']);
  await expectListed(join(outer, 'image volume'), ['1', '2']);

  const mounts: [options: string, source: string, image_inside: string][] = [
    ['subvol=outer', loop_fs.device, 'deep/inner/a b/image'],
    ['subvol=outer/deep/inner', loop_fs.device, 'a b/image'],
    ['subvol=outer/image volume', loop_fs.device, ''],
    ['bind', image, ''],
    ['bind', join(image, '..'), 'image'],
  ];
  const mountpoint = join(loop_fs.mountpoint, 'other mount');
  await mkdir(mountpoint);
  for (const [options, source, image_inside] of mounts) {
    await execa('mount', ['-o', options, source, mountpoint]);
    try {
      expect(await store.isSubvolume(join(mountpoint, image_inside, '1'))).toBe(true);
      await expectListed(join(mountpoint, image_inside), ['1', '2']);
    } finally {
      await execa('umount', [mountpoint]);
    }
  }
});

test('a name with a line break neither shows up nor forges another', async () => {
  const image = join(loop_fs.mountpoint, 'forged');
  await fillImage(image, 2);
  const victim = await store.inspect(join(image, '1'));
  const uuid = '11111111-1111-4111-8111-111111111111';
  const line = `ID 999 gen 1 cgen 1 top level 5 parent_uuid - received_uuid ${uuid} uuid ${uuid} path forged`;
  // A subvolume's name has no slash, so the forged path can only be in a directory's name.
  const directory = join(image, `x\n${line}`);
  await mkdir(directory);
  await store.createSnapshot(join(image, 'live'), join(directory, '1'));
  await store.createSnapshot(join(image, 'live'), join(image, 'a\nb'));
  await expectListed(image, ['1', '2']);
  expect((await store.listSnapshots(image))[0]?.uuid).toBe(victim.uuid);
});

test('a filesystem that is mounted read-only says so', async () => {
  const image = join(loop_fs.mountpoint, 'frozen');
  await fillImage(image, 1);
  await execa('mount', ['-o', 'remount,ro', loop_fs.mountpoint]);
  try {
    await expectListed(image, ['1']);
    await expect(store.createSnapshot(join(image, 'live'), join(image, '2'))).rejects.toThrow(
      expect.objectContaining({ code: 'BtrfsFailed', hint: expect.stringMatching(/read-only/) }),
    );
    await expect(store.deleteSubvolume(join(image, '1'))).rejects.toThrow(
      expect.objectContaining({ code: 'BtrfsFailed' }),
    );
  } finally {
    await execa('mount', ['-o', 'remount,rw', loop_fs.mountpoint]);
  }
});
