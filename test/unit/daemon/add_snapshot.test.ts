import { beforeEach, describe, expect, test } from 'vitest';
import type { SubvolumeInfo } from '../../../src/btrfs/snapshot_store.js';
import { addSnapshot } from '../../../src/daemon/effects/add_snapshot.js';
import { FakeSnapshots } from '../../fakes/fake_snapshots.js';

const directory = '/mnt/vm';
const at = (name: string): string => `${directory}/${name}`;
const refuses = (code: string): unknown => expect.objectContaining({ name: 'IcbdError', code });

/** As btrfs leaves a received snapshot that somebody has made writable: its received_uuid is still there. */
class ReceivedSnapshots extends FakeSnapshots {
  readonly made_writable = new Set<string>();

  override async inspect(path: string): Promise<SubvolumeInfo> {
    const info = await super.inspect(path);
    return this.made_writable.has(path) ? { ...info, read_only: false } : info;
  }
}

describe('a subvolume that is taken into an image', () => {
  let store: ReceivedSnapshots;
  const add = async (number: string, from = '', source = at('live')): Promise<void> =>
    addSnapshot(store, { directory, source, number, from });
  const numbers = async (): Promise<string[]> =>
    (await store.listSnapshots(directory)).map(({ number }) => number);

  beforeEach(async () => {
    store = new ReceivedSnapshots({ mountpoint: '/mnt' });
    store.makeDirectory(directory);
    await store.createSubvolume(at('live'));
  });

  test('becomes read-only where it stands, and is on disk before and after', async () => {
    await store.createSubvolume(at('7'));
    const { uuid } = await store.inspect(at('7'));
    await add('7');
    expect(await store.inspect(at('7'))).toMatchObject({ uuid, read_only: true });
    expect(store.syncs).toBe(2);
    await expect(add('7')).rejects.toThrow(refuses('SnapshotAlreadyExists'));
  });

  test('must be one', async () => {
    store.makeDirectory(at('directory'));
    store.makeFile(at('file'));
    for (const name of ['missing', 'directory', 'file']) {
      await expect(add(name)).rejects.toThrow(refuses('BtrfsSubvolumeNotFound'));
      await expect(add('9', at(name))).rejects.toThrow(refuses('BtrfsSubvolumeNotFound'));
    }
    expect(await numbers()).toEqual([]);
  });

  test("is not the image's source, whatever path leads there; an image without a source has none", async () => {
    await expect(add('live')).rejects.toThrow(refuses('InvalidArgument'));
    expect(await store.inspect(at('live'))).toMatchObject({ read_only: false });
    await store.createSubvolume(at('8'));
    await add('8', '', '/mnt/vm/gone');
    await store.createSubvolume(at('9'));
    await add('9', '', '');
    expect(await numbers()).toEqual(['8', '9']);
  });

  test('from elsewhere stays as it is, and its snapshot stands under the number', async () => {
    await store.createSubvolume('/mnt/work');
    await add('1', '/mnt/work');
    await expect(add('1', '/mnt/work')).rejects.toThrow(refuses('SnapshotAlreadyExists'));
    expect(await store.inspect('/mnt/work')).toMatchObject({ read_only: false });
    expect(await store.inspect(at('1'))).toMatchObject({
      parent_uuid: (await store.inspect('/mnt/work')).uuid,
      read_only: true,
    });
  });

  test('is refused if it was received and is writable: copies of what it was would be taken for it', async () => {
    store.receive(at('5'), { identity: 'u5', complete: true });
    store.made_writable.add(at('5'));
    await expect(add('5')).rejects.toThrow(refuses('InvalidArgument'));
    await expect(add('6', at('5'))).rejects.toThrow(refuses('InvalidArgument'));
    store.made_writable.clear();
    await add('6', at('5'));
    expect(await store.inspect(at('6'))).toMatchObject({ received_uuid: 'u5' });
  });
});
