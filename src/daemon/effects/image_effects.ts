import path from 'node:path';
import type { SnapshotStore } from '../../btrfs/snapshot_store.js';
import { IcbdError } from '../../core/errors.js';
import { nextSnapshotNumber } from '../../core/names.js';
import type { EffectHandler } from '../../runtime/ports.js';
import { scanResult } from '../images/image_scan.js';
import { addSnapshot } from './add_snapshot.js';

/** Tries to find a free number while others take snapshots of the same image. */
const number_tries_max = 20;

export interface ImageEffectsOptions {
  readonly store: SnapshotStore;
  readonly imagePath: (image: string) => string;
}

/** The effects of image actors: `scan`, `create_snapshot`, `add_snapshot`, `delete_snapshot`. */
export function imageEffects({ store, imagePath }: ImageEffectsOptions): Record<string, EffectHandler> {
  const take = async (image: string, source: string, number: string): Promise<string> => {
    if (source === '') {
      throw new IcbdError(
        'BtrfsSubvolumeNotFound',
        `the image ${image} has no source to take a snapshot of`,
        {
          operation: 'create snapshot',
          subject: image,
          hint: 'remove the image and add it again with --source PATH of its writable subvolume',
        },
      );
    }
    const directory = imagePath(image);
    if (number !== '') {
      await store.createSnapshot(source, path.join(directory, number));
      return number;
    }
    for (let tries = 1; ; tries += 1) {
      const next = nextSnapshotNumber(
        (await store.listSnapshots(directory)).map((snapshot) => snapshot.number),
      );
      try {
        await store.createSnapshot(source, path.join(directory, next));
        return next;
      } catch (error) {
        const is_taken = error instanceof IcbdError && error.code === 'SnapshotAlreadyExists';
        if (!is_taken || tries >= number_tries_max) throw error;
      }
    }
  };

  return {
    scan: async (effect) => {
      const { image } = effect.params as { image: string };
      const snapshots = await store.listSnapshots(imagePath(image));
      return { type: 'scan.done', result: scanResult(snapshots) };
    },

    create_snapshot: async (effect) => {
      const { image, source, number } = effect.params as { image: string; source: string; number: string };
      return { type: 'create_snapshot.done', number: await take(image, source, number) };
    },

    add_snapshot: async (effect) => {
      const { image, source, number, from } = effect.params as {
        image: string;
        source: string;
        number: string;
        from: string;
      };
      await addSnapshot(store, { directory: imagePath(image), source, number, from });
      return { type: 'add_snapshot.done', number };
    },

    delete_snapshot: async (effect) => {
      const { image, number } = effect.params as { image: string; number: string };
      await store.deleteSubvolume(path.join(imagePath(image), number));
      return { type: 'delete_snapshot.done', number };
    },
  };
}
