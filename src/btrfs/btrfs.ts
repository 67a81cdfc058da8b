/** `SnapshotStore` with the btrfs program. */
import { basename, dirname, join, resolve } from 'node:path';
import { IcbdError } from '../core/errors.js';
import { hidden_prefix } from '../core/names.js';
import { btrfsError } from './btrfs_errors.js';
import {
  availableBytes,
  checkBtrfsDirectory,
  directoryNames,
  isSubvolumeRoot,
  lstatIfThere,
} from './filesystem.js';
import { listSnapshotsOf } from './list_snapshots.js';
import { publishSubvolume } from './publish.js';
import { type ProgramResult, type RunProgram, runProgram } from './run_program.js';
import type { SnapshotStore, SubvolumeInfo } from './snapshot_store.js';
import { parseSubvolumeShow } from './subvolume_output.js';

/** @param options.run how programs are run; real processes by default */
export function createBtrfs(options: { readonly run?: RunProgram } = {}): SnapshotStore {
  return new BtrfsStore(options.run ?? runProgram);
}

function noSubvolume(operation: string, path: string): IcbdError {
  return new IcbdError('BtrfsSubvolumeNotFound', `${path} is not a subvolume`, {
    operation,
    subject: path,
    hint: '"btrfs subvolume list -o DIRECTORY" shows those that are there',
  });
}

function alreadyThere(operation: string, path: string): IcbdError {
  return new IcbdError('SnapshotAlreadyExists', `something stands at ${path} already`, {
    operation,
    subject: path,
    hint: 'nothing was changed; take another number, or delete what is there',
  });
}

function isCrossDevice(error: unknown): boolean {
  return error instanceof IcbdError && error.message.includes('cross-device link');
}

function otherFilesystem(operation: string, source: string, destination: string): IcbdError {
  return new IcbdError(
    'BtrfsSubvolumeNotFound',
    `${source} is not a subvolume of the filesystem of ${destination}`,
    {
      operation,
      subject: source,
      hint: 'a snapshot lies on the filesystem of what it is taken of',
    },
  );
}

/** EPERM although this is root: the kernel does not want to, whoever asks. */
function isRefusedToRoot({ stderr }: ProgramResult): boolean {
  return process.getuid?.() === 0 && stderr.includes('Operation not permitted');
}

function inUse(operation: string, path: string, result: ProgramResult): IcbdError {
  const { message } = btrfsError(operation, path, result);
  return new IcbdError('BtrfsFailed', message, {
    operation,
    subject: path,
    hint: 'the kernel deletes no snapshot that btrfs send reads now, nor the default subvolume: wait, or cancel the transfer',
  });
}

class BtrfsStore implements SnapshotStore {
  readonly #run: RunProgram;

  constructor(run: RunProgram) {
    this.#run = run;
  }

  async checkMountpoint(path: string): Promise<void> {
    await checkBtrfsDirectory(path, 'check mountpoint');
  }

  async listSnapshots(image_path: string): ReturnType<SnapshotStore['listSnapshots']> {
    const directory = resolve(image_path);
    await checkBtrfsDirectory(directory, 'list snapshots');
    return listSnapshotsOf(this.#run, directory, (path) => this.inspect(path));
  }

  async listHidden(image_path: string): Promise<string[]> {
    await checkBtrfsDirectory(image_path, 'list received subvolumes');
    const hidden: string[] = [];
    for (const name of await directoryNames(image_path)) {
      if (name.startsWith(hidden_prefix) && (await isSubvolumeRoot(join(image_path, name))))
        hidden.push(name);
    }
    return hidden.toSorted();
  }

  async inspect(path: string): Promise<SubvolumeInfo> {
    const operation = 'btrfs subvolume show';
    const subvolume = resolve(path);
    if (!(await isSubvolumeRoot(subvolume))) throw noSubvolume(operation, subvolume);
    const result = await this.#run('btrfs', ['subvolume', 'show', subvolume], {});
    if (result.exit_code === 0) return parseSubvolumeShow(result.stdout, basename(subvolume));
    // Deleted in between.
    if (!(await isSubvolumeRoot(subvolume))) throw noSubvolume(operation, subvolume);
    throw btrfsError(operation, subvolume, result);
  }

  async isSubvolume(path: string): Promise<boolean> {
    return isSubvolumeRoot(resolve(path));
  }

  async createSnapshot(source: string, destination: string): Promise<void> {
    const operation = 'btrfs subvolume snapshot';
    const [from, to] = [resolve(source), resolve(destination)];
    if (!(await isSubvolumeRoot(from))) throw noSubvolume(operation, from);
    const args = ['subvolume', 'snapshot', '-r', from, to];
    const stdout = await this.#create(operation, args, to).catch((error: unknown) => {
      throw isCrossDevice(error) ? otherFilesystem(operation, from, to) : error;
    });
    // A writable directory that appeared at `to` after it was checked takes the snapshot inside.
    const inside = join(to, basename(from));
    if (stdout.trimEnd().endsWith(`in '${inside}'`)) {
      await this.deleteSubvolume(inside);
      throw alreadyThere(operation, to);
    }
  }

  async setReadOnly(path: string): Promise<void> {
    const operation = 'btrfs property set';
    const subvolume = resolve(path);
    if (!(await isSubvolumeRoot(subvolume))) throw noSubvolume(operation, subvolume);
    const result = await this.#run('btrfs', ['property', 'set', '-t', 's', subvolume, 'ro', 'true'], {});
    if (result.exit_code === 0) return;
    if (!(await isSubvolumeRoot(subvolume))) throw noSubvolume(operation, subvolume);
    throw btrfsError(operation, subvolume, result);
  }

  async createSubvolume(path: string): Promise<void> {
    const subvolume = resolve(path);
    await this.#create('btrfs subvolume create', ['subvolume', 'create', subvolume], subvolume);
  }

  async #create(operation: string, args: readonly string[], path: string): Promise<string> {
    await checkBtrfsDirectory(dirname(path), operation);
    if ((await lstatIfThere(path)) !== undefined) throw alreadyThere(operation, path);
    const result = await this.#run('btrfs', args, {});
    if (result.exit_code === 0) return result.stdout;
    // Another one was faster.
    if ((await lstatIfThere(path)) !== undefined) throw alreadyThere(operation, path);
    throw btrfsError(operation, path, result);
  }

  async deleteSubvolume(path: string): Promise<void> {
    const operation = 'btrfs subvolume delete';
    const subvolume = resolve(path);
    if ((await lstatIfThere(subvolume)) === undefined) return;
    if (!(await isSubvolumeRoot(subvolume))) {
      if ((await lstatIfThere(subvolume)) === undefined) return;
      throw noSubvolume(operation, subvolume);
    }
    const result = await this.#run('btrfs', ['subvolume', 'delete', subvolume], {});
    if (result.exit_code === 0 || (await lstatIfThere(subvolume)) === undefined) return;
    throw isRefusedToRoot(result)
      ? inUse(operation, subvolume, result)
      : btrfsError(operation, subvolume, result);
  }

  async publish(
    image_path: string,
    hidden_name: string,
    number: string,
    expected_identity: string,
    afterwards?: () => Promise<void>,
  ): Promise<void> {
    const directory = resolve(image_path);
    await checkBtrfsDirectory(directory, 'publish snapshot');
    const names = { hidden_name, number, expected_identity };
    await publishSubvolume(this.#run, this, directory, names, afterwards);
  }

  async sync(path: string): Promise<void> {
    const operation = 'btrfs filesystem sync';
    await checkBtrfsDirectory(path, operation);
    const result = await this.#run('btrfs', ['filesystem', 'sync', resolve(path)], {});
    if (result.exit_code !== 0) throw btrfsError(operation, path, result);
  }

  async freeBytes(path: string): Promise<number> {
    await checkBtrfsDirectory(path, 'look for free space');
    return availableBytes(path);
  }
}
