import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ImageContext } from '../../../src/actors/image.js';
import { machines } from '../../../src/actors/machines.js';
import { createBtrfs } from '../../../src/btrfs/btrfs.js';
import type { IcbdError } from '../../../src/core/errors.js';
import { imageEffects } from '../../../src/daemon/effects/image_effects.js';
import { ImageWatch, type ImageWatchOptions } from '../../../src/daemon/images/image_watch.js';
import { system_clock } from '../../../src/daemon/system_clock.js';
import { Runtime } from '../../../src/runtime/runtime.js';
import { Storage } from '../../../src/storage/storage.js';
import { Fleet, type FleetNode, until } from '../../support/fleet.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';

const btrfs = async (...argv: string[]): Promise<void> => void (await execa('btrfs', argv));
const take = async (source: string, snapshot: string): Promise<void> =>
  btrfs('subvolume', 'snapshot', '-r', source, snapshot);

/** What the kernel watches for a daemon. */
const watches = async (node: FleetNode): Promise<number> => {
  const directory = `/proc/${node.pid}/fdinfo`;
  const texts = await Promise.all(
    (await readdir(directory)).map(async (fd) => readFile(path.join(directory, fd), 'utf8').catch(() => '')),
  );
  return texts.join('\n').match(/^inotify wd:/gm)?.length ?? 0;
};

describe('what is changed on disk behind a daemon', () => {
  let fleet: Fleet;
  const image = 'vm';
  const at = (...parts: string[]): string => path.join(fleet.master.fs.mountpoint, image, ...parts);
  const report = async () => {
    const images = await fleet.master.client.images.list();
    return images.find(({ name }) => name === image);
  };
  const untilIt = async (shows: object): Promise<Record<string, unknown>> => {
    const wanted = Object.entries(shows);
    let last: Record<string, unknown> = {};
    await until(
      async () => {
        last = { ...(await report()) };
        return wanted.every(([key, value]) => last[key] === value);
      },
      () => `${JSON.stringify(shows)}, it is ${JSON.stringify(last)}`,
    );
    return last;
  };
  const rescans = (node: FleetNode = fleet.master): number =>
    node.query("SELECT seq FROM events WHERE kind = 'image' AND event LIKE '%\"image.rescan\"%'").length;
  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 512, replica: { top: 'auto_add_images = true' } });
    await fleet.master.client.images.add({ name: image, create: true });
    await fleet.master.client.snapshots.create(image);
  });
  afterAll(async () => {
    await fleet?.dispose();
  });

  test('a snapshot that is made', async () => {
    await take(at('live'), at('2'));
    expect(await untilIt({ state: 'present', snapshot_count: 2, newest: '2' })).toMatchObject({
      error: null,
    });
  });

  test('one that is renamed', async () => {
    await rename(at('2'), at('5'));
    expect(await untilIt({ snapshot_count: 2, newest: '5' })).toMatchObject({ error: null });
  });

  test('one that is deleted', async () => {
    await btrfs('subvolume', 'delete', at('5'));
    expect(await untilIt({ snapshot_count: 1, newest: '1' })).toMatchObject({ error: null });
  });

  test('one that takes the place of another of the same name', async () => {
    const known = rescans();
    await btrfs('subvolume', 'delete', at('1'));
    await take(at('live'), at('1'));
    await until(
      () => rescans() > known,
      () => 'a rescan',
    );
    expect(await untilIt({ state: 'present', snapshot_count: 1 })).toMatchObject({ newest: '1' });
  });

  test('one that is made writable, of which the kernel tells nobody, when asked to look', async () => {
    await take(at('live'), at('6'));
    await untilIt({ newest: '6' });
    await btrfs('property', 'set', '-t', 's', at('6'), 'ro', 'false');
    expect(await fleet.master.client.images.rescan(image)).toMatchObject({ newest: '1', snapshot_count: 1 });
    await btrfs('subvolume', 'delete', at('6'));
  });

  test('its directory is moved away, and back', async () => {
    const away = `${at()} away`;
    await rename(at(), away);
    await untilIt({ state: 'missing' });
    expect((await report())?.error).toMatchObject({ code: 'DirNotFound' });
    await take(path.join(away, 'live'), path.join(away, '7'));
    await rename(away, at());
    await untilIt({ state: 'present', newest: '7', snapshot_count: 2 });
    // It is still watched.
    await btrfs('subvolume', 'delete', at('7'));
    await untilIt({ newest: '1' });
  });

  test('another directory takes its place', async () => {
    const away = `${at()} away`;
    await rename(at(), away);
    await mkdir(at());
    await untilIt({ state: 'present', snapshot_count: 0, newest: '' });
    await take(path.join(away, 'live'), at('3'));
    await untilIt({ snapshot_count: 1, newest: '3' });
    await btrfs('subvolume', 'delete', at('3'));
    await rm(at(), { recursive: true });
    await untilIt({ state: 'missing' });
    await rename(away, at());
    expect(await untilIt({ state: 'present', newest: '1' })).toMatchObject({ error: null });
  });

  test('what is no change of its snapshots leaves no event', async () => {
    await sleep(1_500);
    const known = rescans();
    await writeFile(at('live', 'file'), 'content');
    await writeFile(at('file beside'), 'content');
    await mkdir(at('directory'));
    await btrfs('subvolume', 'create', at('.icbdrep-part-x.1.0.0'));
    await btrfs('subvolume', 'create', at('work'));
    await chmod(at('live'), 0o700);
    // Its own work is known to it.
    await fleet.master.client.snapshots.create(image, { number: '20' });
    await fleet.master.client.snapshots.delete(image, '20');
    await btrfs('subvolume', 'delete', at('work'));
    await btrfs('subvolume', 'delete', at('.icbdrep-part-x.1.0.0'));
    await sleep(2_500);
    expect(rescans()).toBe(known);
  });

  test('a storm is at most one look a second', async () => {
    const known = rescans();
    const start_ms = performance.now();
    for (let number = 100; number < 160; number += 1) await take(at('live'), at(String(number)));
    const seconds = Math.ceil((performance.now() - start_ms) / 1_000);
    await untilIt({ newest: '159', snapshot_count: 61 });
    expect(rescans() - known).toBeGreaterThan(0);
    expect(rescans() - known).toBeLessThanOrEqual(seconds + 2);
    for (let number = 100; number < 160; number += 1) await btrfs('subvolume', 'delete', at(String(number)));
    await untilIt({ newest: '1' });
  });

  test('what a replica receives is known to its image', async () => {
    await fleet.master.client.transfers.send({ image, numbers: ['1'], to: ['r1'] });
    expect(await fleet.untilSettled()).toMatchObject([{ state: 'completed' }]);
    const onReplica = async () => (await fleet.replica(0).client.images.list())[0];
    await until(
      async () => (await onReplica())?.newest === '1',
      () => 'the replica to know its snapshot',
    );
  });

  test('while the daemon does not run', async () => {
    expect(await fleet.master.stop()).toBe(0);
    await take(at('live'), at('30'));
    await fleet.master.start();
    await untilIt({ state: 'present', newest: '30', snapshot_count: 2 });
    await take(at('live'), at('31'));
    await untilIt({ newest: '31', snapshot_count: 3 });
    await fleet.untilOnline();
  });

  test('nothing of it is left when an image is removed, and it comes back with the image', async () => {
    const { client } = fleet.master;
    const untilWatched = async (count: number): Promise<void> =>
      until(
        async () => (await watches(fleet.master)) === count,
        () => `${count} directories to be watched`,
      );
    await untilWatched(2);
    await client.images.remove(image);
    await untilWatched(1);
    const known = rescans();
    await take(at('live'), at('32'));
    await sleep(1_500);
    expect(rescans()).toBe(known);
    expect(await client.images.add({ name: image })).toMatchObject({ newest: '32' });
    await untilWatched(2);
    await take(at('live'), at('33'));
    await untilIt({ newest: '33' });
  });
});

const onFatal = (error: IcbdError): never => {
  throw error;
};

const refuse = (): never => {
  throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), {
    code: 'ENOSPC',
  });
};

describe('without the kernel', () => {
  let loop_fs: LoopFs;
  let made: { runtime: Runtime; storage: Storage; watch: ImageWatch } | undefined;
  const at = (...parts: string[]): string => path.join(loop_fs.mountpoint, 'vm', ...parts);

  beforeAll(async () => {
    loop_fs = await makeLoopFs({ size_mb: 128 });
    await mkdir(at());
    await btrfs('subvolume', 'create', at('live'));
    await take(at('live'), at('1'));
  });
  afterEach(async () => {
    await made?.watch.close();
    await made?.runtime.close();
    made?.storage.close();
    made = undefined;
  });
  afterAll(async () => {
    await loop_fs?.dispose();
  });

  const make = (options: Pick<ImageWatchOptions, 'start' | 'onFailure'>) => {
    const storage = Storage.open(':memory:');
    const store = createBtrfs();
    const { mountpoint } = loop_fs;
    const handlers = imageEffects({ store, imagePath: (image) => path.join(mountpoint, image) });
    const runtime = new Runtime({ storage, machines, clock: system_clock, handlers, onFatal });
    runtime.start();
    const cause = { kind: 'operator', who: 'test' } as const;
    runtime.create({ kind: 'image', id: 'vm' }, { name: 'vm', source: '', codec: null }, cause);
    const clock = system_clock;
    const watching = { runtime, storage, store, mountpoint, clock, slow_look_ms: 200 };
    made = { runtime, storage, watch: new ImageWatch({ ...watching, ...options }) };
    const scan = (): unknown => {
      const context = storage.actors.load({ kind: 'image', id: 'vm' })?.snapshot.context;
      return (context as ImageContext | undefined)?.scan;
    };
    return async (shows: object): Promise<void> =>
      until(
        () => JSON.stringify(Object.assign({}, scan(), shows)) === JSON.stringify(scan()),
        () => `${JSON.stringify(shows)}, it is ${JSON.stringify(scan())}`,
      );
  };

  test('one that is made writable, or read-only, is noticed by looking from time to time', async () => {
    const failures: IcbdError[] = [];
    const untilScan = make({ onFailure: (error) => failures.push(error) });
    await untilScan({ snapshot_count: 1, newest: '1' });
    await btrfs('property', 'set', '-t', 's', at('1'), 'ro', 'false');
    await untilScan({ snapshot_count: 0 });
    await btrfs('property', 'set', '-t', 's', at('1'), 'ro', 'true');
    await untilScan({ snapshot_count: 1 });
    expect(failures).toEqual([]);
  });

  test('all is noticed when the kernel takes no more watches, and it is said once', async () => {
    const failures: IcbdError[] = [];
    const untilScan = make({ start: refuse, onFailure: (error) => failures.push(error) });
    await untilScan({ snapshot_count: 1, newest: '1' });
    await take(at('live'), at('2'));
    await untilScan({ snapshot_count: 2, newest: '2' });
    await rename(at('2'), at('4'));
    await untilScan({ snapshot_count: 2, newest: '4' });
    await btrfs('subvolume', 'delete', at('4'));
    await untilScan({ snapshot_count: 1, newest: '1' });
    expect(failures.map(({ message }) => message)).toEqual([
      'changes on disk are not watched: ENOSPC: System limit for number of file watchers reached',
    ]);
    expect(failures[0]?.hint).toContain('fs.inotify.max_user_watches');
  });
});
