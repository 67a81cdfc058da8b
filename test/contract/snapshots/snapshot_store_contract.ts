/** What every `SnapshotStore` must do; each implementation brings a harness. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SnapshotStore } from '../../../src/btrfs/snapshot_store.js';
import { identityOf } from '../../../src/core/lineage.js';

export interface StoreHarness {
  readonly store: SnapshotStore;
  /** A directory on btrfs. */
  readonly root: string;
  /** A directory that does not lie on btrfs. */
  readonly elsewhere: string;
  makeDirectory(path: string): Promise<void>;
  makeFile(path: string): Promise<void>;
  /** What `btrfs receive` makes of `source` at `path`; with `complete` false, what a stream without END leaves. */
  receive(source: string, path: string, complete: boolean): Promise<void>;
  dispose(): Promise<void>;
}

const hidden = '.icbdrep-t1.1';

function failsWith(code: string): unknown {
  return expect.objectContaining({
    name: 'IcbdError',
    code,
    operation: expect.stringMatching(/./),
    subject: expect.stringMatching(/./),
  });
}

export function describeSnapshotStore(name: string, makeHarness: () => Promise<StoreHarness>): void {
  describe(`snapshot store: ${name}`, () => {
    let harness: StoreHarness;
    let store: SnapshotStore;
    let image: string;
    let live: string;
    const at = (...parts: string[]): string => join(image, ...parts);
    const numbers = async (): Promise<string[]> =>
      (await store.listSnapshots(image)).map((snapshot) => snapshot.number);

    beforeEach(async () => {
      harness = await makeHarness();
      store = harness.store;
      image = join(harness.root, 'image');
      live = join(image, 'live');
      await harness.makeDirectory(image);
      await store.createSubvolume(live);
    });
    afterEach(async () => {
      await harness.dispose();
    });

    test('what takes a directory wants one, and on btrfs', async () => {
      await harness.makeFile(at('file'));
      await store.checkMountpoint(image);
      await store.checkMountpoint(harness.root);
      await store.checkMountpoint(live);
      const methods = [
        (path: string) => store.checkMountpoint(path),
        (path: string) => store.listSnapshots(path),
        (path: string) => store.listHidden(path),
        (path: string) => store.sync(path),
        (path: string) => store.freeBytes(path),
        (path: string) => store.publish(path, hidden, '1', 'identity'),
        (path: string) => store.createSubvolume(join(path, 'new')),
        (path: string) => store.createSnapshot(live, join(path, 'new')),
      ];
      for (const method of methods) {
        await expect(method(at('missing'))).rejects.toThrow(failsWith('DirNotFound'));
        await expect(method(at('file'))).rejects.toThrow(failsWith('DirNotFound'));
        await expect(method(harness.elsewhere)).rejects.toThrow(failsWith('BtrfsPathNotFound'));
      }
    });

    test('snapshots are listed with all they are', async () => {
      expect(await store.listSnapshots(image)).toEqual([]);
      for (const number of ['10', '9', 'release two', 'ünïcode'])
        await store.createSnapshot(live, at(number));
      const origin = await store.inspect(live);
      const snapshots = await store.listSnapshots(image);
      expect(snapshots.map((snapshot) => snapshot.number).toSorted()).toEqual(
        ['10', '9', 'release two', 'ünïcode'].toSorted(),
      );
      for (const snapshot of snapshots) {
        const { read_only, subvolume_id, ...same } = await store.inspect(at(snapshot.number));
        expect(same).toEqual(snapshot);
        expect(read_only).toBe(true);
        expect(subvolume_id).toBeGreaterThan(origin.subvolume_id);
        expect(snapshot.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
        expect(snapshot).toMatchObject({ received_uuid: '', parent_uuid: origin.uuid });
        expect(snapshot.created_at_ms % 1000).toBe(0);
        expect(snapshot.created_at_ms).toBeGreaterThan(1_600_000_000_000);
      }
    });

    test('numbers are in the order of their values, and other names follow in that of their creation', async () => {
      for (const number of ['zebra', '10', 'ant', '9', '100', '01']) {
        await store.createSnapshot(live, at(number));
        await store.sync(image);
      }
      expect(await numbers()).toEqual(['9', '10', '100', 'zebra', 'ant', '01']);
    });

    test('a subvolume that is made read-only is a snapshot, and the same one', async () => {
      await store.createSubvolume(at('5'));
      const before = await store.inspect(at('5'));
      expect(await numbers()).toEqual([]);
      await store.setReadOnly(at('5'));
      await store.setReadOnly(at('5'));
      expect(await store.inspect(at('5'))).toEqual({ ...before, read_only: true });
      expect(await numbers()).toEqual(['5']);
      await harness.makeDirectory(at('directory'));
      await harness.makeFile(at('file'));
      for (const path of [at('directory'), at('file'), at('missing'), harness.elsewhere]) {
        await expect(store.setReadOnly(path)).rejects.toThrow(failsWith('BtrfsSubvolumeNotFound'));
      }
      await store.deleteSubvolume(at('5'));
      expect(await numbers()).toEqual([]);
    });

    test('a received snapshot is listed with its identity; what is not complete or not ours is not', async () => {
      await store.createSnapshot(live, at('1'));
      const source = await store.inspect(at('1'));
      const replica = join(harness.root, 'replica');
      await harness.makeDirectory(replica);
      await harness.receive(at('1'), join(replica, '1'), true);
      await harness.receive(at('1'), join(replica, '2'), false);
      await harness.receive(at('1'), join(replica, hidden), true);
      await harness.receive(at('1'), join(replica, '.other'), true);
      await harness.receive(at('1'), join(replica, '-name'), true);
      await harness.makeDirectory(join(replica, '4'));
      await harness.makeFile(join(replica, '5'));
      await harness.makeDirectory(join(harness.root, 'another', 'replica'));
      await store.createSnapshot(live, join(harness.root, 'another', 'replica', '6'));

      const [received, ...others] = await store.listSnapshots(replica);
      expect(others).toEqual([]);
      expect(received).toMatchObject({ number: '1', received_uuid: source.uuid, parent_uuid: '' });
      expect(received && identityOf(received)).toBe(source.uuid);
      const { read_only: _, subvolume_id: __, ...inspected } = await store.inspect(join(replica, '1'));
      expect(received).toEqual(inspected);
      expect(await store.inspect(join(replica, '2'))).toMatchObject({ read_only: false, received_uuid: '' });

      // A read-only snapshot of a copy is a copy of the same.
      await store.createSnapshot(join(replica, '1'), join(replica, '7'));
      expect(await store.inspect(join(replica, '7'))).toMatchObject({ received_uuid: source.uuid });
    });

    test('hidden subvolumes are listed, complete or not, and nothing else', async () => {
      expect(await store.listHidden(image)).toEqual([]);
      await store.createSnapshot(live, at('1'));
      await harness.receive(at('1'), at('.icbdrep-b'), false);
      await harness.receive(at('1'), at('.icbdrep-a'), true);
      await harness.receive(at('1'), at('.other'), true);
      await harness.makeDirectory(at('.icbdrep-directory'));
      await harness.makeFile(at('.icbdrep-file'));
      expect(await store.listHidden(image)).toEqual(['.icbdrep-a', '.icbdrep-b']);
    });

    test('only a subvolume is one', async () => {
      await harness.makeDirectory(at('directory'));
      await harness.makeFile(at('file'));
      await harness.makeDirectory(join(live, 'inside'));
      expect(await store.isSubvolume(live)).toBe(true);
      expect(await store.inspect(live)).toMatchObject({ number: 'live', read_only: false, parent_uuid: '' });
      const others = [at('directory'), at('file'), at('missing'), join(live, 'inside'), harness.elsewhere];
      for (const path of others) {
        expect(await store.isSubvolume(path)).toBe(false);
        await expect(store.inspect(path)).rejects.toThrow(failsWith('BtrfsSubvolumeNotFound'));
      }
    });

    test('a snapshot never takes the place of anything, nor goes inside', async () => {
      await store.createSnapshot(live, at('1'));
      const before = await store.inspect(at('1'));
      await harness.makeDirectory(at('directory'));
      await harness.makeFile(at('file'));
      for (const taken of ['1', 'live', 'directory', 'file']) {
        await expect(store.createSnapshot(live, at(taken))).rejects.toThrow(
          failsWith('SnapshotAlreadyExists'),
        );
        await expect(store.createSubvolume(at(taken))).rejects.toThrow(failsWith('SnapshotAlreadyExists'));
      }
      expect(await store.inspect(at('1'))).toEqual(before);
      expect(await store.isSubvolume(at('directory', 'live'))).toBe(false);
      for (const source of [at('directory'), at('file'), at('missing')]) {
        await expect(store.createSnapshot(source, at('9'))).rejects.toThrow(
          failsWith('BtrfsSubvolumeNotFound'),
        );
      }
      expect(await numbers()).toEqual(['1']);
    });

    test('of many that want one number, one gets it', async () => {
      const tries = Array.from({ length: 6 }, () => store.createSnapshot(live, at('1')));
      const results = await Promise.allSettled(tries);
      const refused = results.filter((result) => result.status === 'rejected');
      expect(refused.length).toBe(5);
      for (const { reason } of refused) expect(reason).toEqual(failsWith('SnapshotAlreadyExists'));
      expect(await numbers()).toEqual(['1']);
    });

    test('deleting takes any subvolume, is idempotent, and takes nothing else', async () => {
      await store.createSnapshot(live, at('1'));
      await harness.receive(at('1'), at('.icbdrep-partial'), false);
      await harness.receive(at('1'), at('.icbdrep-whole'), true);
      await harness.makeFile(join(live, 'file'));
      for (const name of ['1', '.icbdrep-partial', '.icbdrep-whole', 'live', 'never there']) {
        await store.deleteSubvolume(at(name));
        await store.deleteSubvolume(at(name));
        expect(await store.isSubvolume(at(name))).toBe(false);
      }
      await harness.makeDirectory(at('directory'));
      await harness.makeFile(at('file'));
      for (const name of ['directory', 'file']) {
        await expect(store.deleteSubvolume(at(name))).rejects.toThrow(failsWith('BtrfsSubvolumeNotFound'));
        await expect(store.createSubvolume(at(name))).rejects.toThrow(failsWith('SnapshotAlreadyExists'));
      }
    });

    test('at once, twice the same deletion succeeds twice', async () => {
      await store.createSnapshot(live, at('1'));
      await Promise.all([store.deleteSubvolume(at('1')), store.deleteSubvolume(at('1'))]);
      expect(await numbers()).toEqual([]);
    });

    test('a subvolume that holds another is not deleted', async () => {
      await store.createSubvolume(join(live, 'inner'));
      await expect(store.deleteSubvolume(live)).rejects.toThrow(failsWith('BtrfsFailed'));
      expect(await store.isSubvolume(join(live, 'inner'))).toBe(true);
    });

    test('publishing gives a received subvolume its name, and may be repeated', async () => {
      await store.createSnapshot(live, at('1'));
      const { uuid } = await store.inspect(at('1'));
      await harness.receive(at('1'), at(hidden), true);
      const before = await store.inspect(at(hidden));
      const seen: string[][] = [];
      const look = async (): Promise<void> => void seen.push((await numbers()).toSorted());
      await store.publish(image, hidden, '2', uuid, look);
      await store.publish(image, hidden, '2', uuid, look);
      // Each time, and with the name given.
      expect(seen).toEqual([
        ['1', '2'],
        ['1', '2'],
      ]);
      expect(await store.inspect(at('2'))).toEqual({ ...before, number: '2' });
      expect(await store.listHidden(image)).toEqual([]);
      expect((await numbers()).toSorted()).toEqual(['1', '2']);
    });

    test('publishing replaces nothing', async () => {
      await store.createSnapshot(live, at('1'));
      const { uuid } = await store.inspect(at('1'));
      await harness.receive(at('1'), at(hidden), true);
      await harness.makeDirectory(at('empty directory'));
      await harness.makeFile(at('file'));
      await harness.receive(at('1'), at('same'), true);
      for (const taken of ['1', 'live', 'empty directory', 'file', 'same']) {
        const there = await store.isSubvolume(at(taken));
        await expect(store.publish(image, hidden, taken, uuid)).rejects.toThrow(
          failsWith('SnapshotAlreadyExists'),
        );
        expect(await store.isSubvolume(at(taken))).toBe(there);
        expect(await store.listHidden(image)).toEqual([hidden]);
      }
    });

    test('publishing refuses what is not complete, not the expected one, or not there', async () => {
      await store.createSnapshot(live, at('1'));
      const { uuid } = await store.inspect(at('1'));
      await harness.receive(at('1'), at('.icbdrep-partial'), false);
      await harness.receive(at('1'), at('.icbdrep-whole'), true);
      const other = '00000000-0000-4000-8000-00000000ffff';
      const corrupt = failsWith('CorruptData');
      await expect(store.publish(image, '.icbdrep-partial', '2', uuid)).rejects.toThrow(corrupt);
      const partial = await store.inspect(at('.icbdrep-partial'));
      await expect(store.publish(image, '.icbdrep-partial', '2', partial.uuid)).rejects.toThrow(corrupt);
      await expect(store.publish(image, '.icbdrep-whole', '2', other)).rejects.toThrow(corrupt);
      const missing = failsWith('BtrfsSubvolumeNotFound');
      await expect(store.publish(image, hidden, '2', uuid)).rejects.toThrow(missing);
      await harness.makeDirectory(at(hidden));
      await expect(store.publish(image, hidden, '2', uuid)).rejects.toThrow(missing);

      await store.publish(image, '.icbdrep-whole', '2', uuid);
      const exists = failsWith('SnapshotAlreadyExists');
      await expect(store.publish(image, '.icbdrep-whole', '2', other)).rejects.toThrow(exists);
      expect((await numbers()).toSorted()).toEqual(['1', '2']);
    });

    test('publishing takes names only', async () => {
      for (const name of ['1', '.hidden', '.icbdrep-a/b', '../.icbdrep-a']) {
        await expect(store.publish(image, name, '2', 'identity')).rejects.toThrow(
          failsWith('InvalidArgument'),
        );
      }
      for (const number of ['', '..', 'a/b', '.hidden', '-x', 'a\nb']) {
        const refused = expect.objectContaining({ code: 'InvalidArgument' });
        await expect(store.publish(image, hidden, number, 'identity')).rejects.toThrow(refused);
      }
    });

    test('a sync returns, and free space is a number of bytes', async () => {
      await store.sync(image);
      await store.sync(image);
      expect(await store.freeBytes(image)).toBeGreaterThan(1024 * 1024);
      expect(await store.freeBytes(image)).toBeLessThan(1024 ** 4);
    });
  });
}
