import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { Admission, type AdmissionOptions } from '../../../src/daemon/reception_admission.js';
import { FakeSnapshots } from '../../fakes/fake_snapshots.js';

const wanted = { image: 'vm', number: '7', uuid: 'u7' };

const root = '/mnt';
let store: FakeSnapshots;
let free_bytes: number;
let images: Set<string>;
beforeEach(() => {
  store = new FakeSnapshots({ mountpoint: root });
  store.makeDirectory(join(root, 'vm'));
  free_bytes = 1024 ** 3;
  images = new Set(['vm']);
});

function admission(options: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({
    node: 'r1',
    running: () => 0,
    store: { freeBytes: () => Promise.resolve(free_bytes) },
    repository: {
      path: (image) => join(root, image),
      has: (image) => images.has(image),
      snapshots: (image) => store.listSnapshots(join(root, image)),
    },
    auto_add_images: false,
    receptions_max: 2,
    isStopping: () => false,
    ...options,
  });
}

test('takes a snapshot of an image that it holds, or would add', async () => {
  const about = { node: 'r1', image: 'vm', number: '7' };
  const yes = { ...about, accepts: true, reason: '', error: null };
  expect(await admission().report(wanted)).toEqual(yes);
  images.clear();
  expect(await admission({ auto_add_images: true }).report(wanted)).toEqual(yes);
});

async function reasonOf(options: Partial<AdmissionOptions> = {}): Promise<unknown[]> {
  const { accepts, reason, error } = await admission(options).report(wanted);
  expect(accepts).toBe(false);
  return [reason, error?.code ?? null, error?.hint === ''];
}

test('says which of the reasons it has not to', async () => {
  expect(await reasonOf({ isStopping: () => true })).toEqual(['busy', 'Busy', false]);
  expect(await reasonOf({ running: () => 2 })).toEqual(['busy', 'Busy', false]);
  free_bytes = 64 * 1024 * 1024 - 1;
  expect(await reasonOf()).toEqual(['no_room', 'NoSpace', false]);
  store.receive(join(root, 'vm', '7'), { identity: 'other', complete: true });
  expect(await reasonOf()).toEqual(['conflict', 'SnapshotConflict', false]);
  images.clear();
  expect(await reasonOf()).toEqual(['unknown_image', 'ImageNotFound', false]);
});

test('what is there already, under any number, is not wanted again, and is no error', async () => {
  store.receive(join(root, 'vm', '5'), { identity: 'u7', complete: true });
  free_bytes = 0;
  expect(await admission().report(wanted)).toMatchObject({ reason: 'already_there', error: null });
});

test('the reception that asks is not counted among those that run', () => {
  const asked: (string | undefined)[] = [];
  const running = (except: string | undefined): number => {
    asked.push(except);
    return except === '12-ab3f' ? 1 : 2;
  };
  admission({ running }).assertNotBusy('12-ab3f');
  expect(() => admission({ running }).assertNotBusy()).toThrow('r1 receives 2 snapshots already');
  expect(asked).toEqual(['12-ab3f', undefined]);
});

test('anything else is an error, and no reason', async () => {
  const broken = { freeBytes: () => Promise.reject(new Error('gone')) };
  await expect(admission({ store: broken }).report(wanted)).rejects.toMatchObject({ code: 'Internal' });
});
