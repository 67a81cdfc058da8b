/** Gives a received subvolume its final name. */
import { join } from 'node:path';
import { IcbdError } from '../core/errors.js';
import { identityOf } from '../core/lineage.js';
import { checkSnapshotNumber, hidden_prefix } from '../core/names.js';
import { btrfsError } from './btrfs_errors.js';
import { lstatIfThere } from './filesystem.js';
import type { RunProgram } from './run_program.js';
import type { SnapshotStore, SubvolumeInfo } from './snapshot_store.js';

const operation = 'publish snapshot';

/** @throws IcbdError `InvalidArgument` */
export function checkHiddenName(name: string): void {
  if (name.startsWith(hidden_prefix) && !/[/\0]/.test(name)) return;
  throw new IcbdError('InvalidArgument', `${JSON.stringify(name)} is not a hidden name`, {
    operation,
    subject: name,
    hint: `one path component that starts with ${hidden_prefix}`,
  });
}

/** @throws IcbdError `CorruptData` unless the subvolume is complete and of this identity */
export function checkReceived(subvolume: SubvolumeInfo, path: string, expected_identity: string): void {
  const identity = identityOf(subvolume);
  if (subvolume.read_only && identity === expected_identity) return;
  const what = subvolume.read_only ? `holds ${identity}` : 'is not complete';
  throw new IcbdError('CorruptData', `${path} ${what}, expected a complete copy of ${expected_identity}`, {
    operation,
    subject: path,
    hint: 'it is deleted and received again by the next attempt',
  });
}

export function targetExists(path: string): IcbdError {
  return new IcbdError('SnapshotAlreadyExists', `something stands at ${path} already`, {
    operation,
    subject: path,
    hint: 'nothing was changed; look at what it is before you delete it',
  });
}

/**
 * `SnapshotStore.publish` for a directory on btrfs.
 *
 * rename(2) replaces an empty directory without a word, and a check before it leaves a gap. So the rename is
 * `mv --no-clobber`, which is renameat2 with RENAME_NOREPLACE: the kernel refuses in one step. Its exit code when it
 * refuses differs between versions of coreutils, so what came of it is looked at.
 */
export async function publishSubvolume(
  run: RunProgram,
  store: Pick<SnapshotStore, 'inspect' | 'sync'>,
  image_path: string,
  names: { readonly hidden_name: string; readonly number: string; readonly expected_identity: string },
  afterwards: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  checkHiddenName(names.hidden_name);
  checkSnapshotNumber(names.number);
  const hidden = join(image_path, names.hidden_name);
  const target = join(image_path, names.number);
  if ((await lstatIfThere(hidden)) === undefined) {
    await checkPublished(store, hidden, target, names.expected_identity);
    await afterwards();
    await store.sync(image_path);
    return;
  }
  checkReceived(await store.inspect(hidden), hidden, names.expected_identity);
  if ((await lstatIfThere(target)) !== undefined) throw targetExists(target);

  // Read-only with a received_uuid is not on disk yet: after a power cut it would be there with empty files.
  await store.sync(image_path);
  const moved = await run('mv', ['--no-clobber', '--no-target-directory', '--', hidden, target], {});
  if ((await lstatIfThere(hidden)) !== undefined) {
    if ((await lstatIfThere(target)) !== undefined) throw targetExists(target);
    throw btrfsError(operation, target, moved);
  }
  await checkPublished(store, hidden, target, names.expected_identity);
  await afterwards();
  await store.sync(image_path);
}

async function checkPublished(
  store: Pick<SnapshotStore, 'inspect'>,
  hidden: string,
  target: string,
  expected_identity: string,
): Promise<void> {
  const stats = await lstatIfThere(target);
  if (stats === undefined) {
    throw new IcbdError('BtrfsSubvolumeNotFound', `neither ${hidden} nor ${target} is there`, {
      operation,
      subject: hidden,
      hint: 'the received subvolume was deleted; run the transfer again',
    });
  }
  const found = await store.inspect(target).catch((error: unknown) => {
    if (error instanceof IcbdError && error.code === 'BtrfsSubvolumeNotFound') return undefined;
    throw error;
  });
  const is_ours = found?.read_only === true && identityOf(found) === expected_identity;
  if (!is_ours) throw targetExists(target);
}
