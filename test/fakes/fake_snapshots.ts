/** A `SnapshotStore` in memory, for tests that need many nodes and no disk. The contract suite keeps it honest. */
import { basename, dirname, join } from 'node:path';
import { checkHiddenName, checkReceived, targetExists } from '../../src/btrfs/publish.js';
import type { SnapshotStore, SubvolumeInfo } from '../../src/btrfs/snapshot_store.js';
import { IcbdError } from '../../src/core/errors.js';
import { compareSnapshots, identityOf, type SnapshotInfo } from '../../src/core/lineage.js';
import { checkSnapshotNumber, hidden_prefix } from '../../src/core/names.js';

type Node =
  | { readonly kind: 'directory' | 'file' }
  | { readonly kind: 'subvolume'; readonly info: SubvolumeInfo };

export interface FakeSnapshotsOptions {
  /** Path of the only filesystem; all else does not lie on btrfs. */
  readonly mountpoint: string;
  /** Makes its uuids differ from those of other fakes. */
  readonly filesystem_number?: number;
  /** Unix time in ms. */
  readonly now?: () => number;
}

export class FakeSnapshots implements SnapshotStore {
  readonly #nodes = new Map<string, Node>();
  readonly #options: FakeSnapshotsOptions;
  #made = 0;
  #generation = 10;
  /** What `freeBytes` answers. */
  free_bytes = 1024 ** 3;
  /** How often the filesystem was synced. */
  syncs = 0;

  constructor(options: FakeSnapshotsOptions) {
    this.#options = options;
    this.#nodes.set(options.mountpoint, { kind: 'directory' });
  }

  /** As `mkdir -p`; also outside the filesystem. */
  makeDirectory(path: string): void {
    if (path === '/' || this.#nodes.has(path)) return;
    this.makeDirectory(dirname(path));
    this.#nodes.set(path, { kind: 'directory' });
  }

  makeFile(path: string): void {
    this.makeDirectory(dirname(path));
    this.#nodes.set(path, { kind: 'file' });
  }

  /** What `btrfs receive` leaves at `path`: a complete copy, or what a broken stream leaves. */
  receive(path: string, source: { readonly identity: string; readonly complete: boolean }): void {
    const received_uuid = source.complete ? source.identity : '';
    this.#add(path, { received_uuid, parent_uuid: '', read_only: source.complete });
  }

  async checkMountpoint(path: string): Promise<void> {
    this.#checkDirectory(path, 'check mountpoint');
  }

  async listSnapshots(image_path: string): Promise<SnapshotInfo[]> {
    this.#checkDirectory(image_path, 'list snapshots');
    const snapshots = this.#subvolumesIn(image_path).filter(
      (info) => info.read_only && isNumber(info.number),
    );
    return snapshots
      .map(({ read_only: _, subvolume_id: __, ...snapshot }) => snapshot)
      .toSorted(compareSnapshots);
  }

  async listHidden(image_path: string): Promise<string[]> {
    this.#checkDirectory(image_path, 'list received subvolumes');
    const names = this.#subvolumesIn(image_path).map((info) => info.number);
    return names.filter((name) => name.startsWith(hidden_prefix)).toSorted();
  }

  async inspect(path: string): Promise<SubvolumeInfo> {
    const node = this.#nodes.get(path);
    if (node?.kind === 'subvolume') return node.info;
    throw noSubvolume('inspect', path);
  }

  async isSubvolume(path: string): Promise<boolean> {
    return this.#nodes.get(path)?.kind === 'subvolume';
  }

  async createSnapshot(source: string, destination: string): Promise<void> {
    const { uuid, read_only, received_uuid } = await this.inspect(source);
    this.#checkFree(destination, 'create snapshot');
    const inherited = read_only ? received_uuid : '';
    this.#add(destination, { parent_uuid: uuid, received_uuid: inherited, read_only: true });
  }

  async setReadOnly(path: string): Promise<void> {
    const info = await this.inspect(path);
    this.#nodes.set(path, { kind: 'subvolume', info: { ...info, read_only: true } });
  }

  async createSubvolume(path: string): Promise<void> {
    this.#checkFree(path, 'create subvolume');
    this.#add(path, { parent_uuid: '', received_uuid: '', read_only: false });
  }

  async deleteSubvolume(path: string): Promise<void> {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    if (node.kind !== 'subvolume') throw noSubvolume('delete subvolume', path);
    const inside = this.#inside(path);
    if (inside.some((inner) => this.#nodes.get(inner)?.kind === 'subvolume')) {
      throw new IcbdError('BtrfsFailed', 'Directory not empty', {
        operation: 'delete subvolume',
        subject: path,
        retryable: false,
      });
    }
    for (const gone of [path, ...inside]) this.#nodes.delete(gone);
  }

  async publish(
    image_path: string,
    hidden_name: string,
    number: string,
    identity: string,
    afterwards?: () => Promise<void>,
  ): Promise<void> {
    this.#checkDirectory(image_path, 'publish snapshot');
    checkHiddenName(hidden_name);
    checkSnapshotNumber(number);
    const [hidden, target] = [join(image_path, hidden_name), join(image_path, number)];
    const standing = this.#nodes.get(target);
    if (!this.#nodes.has(hidden)) {
      if (standing === undefined) throw noSubvolume('publish snapshot', hidden);
      const is_ours = standing.kind === 'subvolume' && standing.info.read_only;
      if (!is_ours || identityOf(standing.info) !== identity) throw targetExists(target);
      await afterwards?.();
      return;
    }
    const info = await this.inspect(hidden);
    checkReceived(info, hidden, identity);
    if (standing !== undefined) throw targetExists(target);
    this.#nodes.delete(hidden);
    this.#nodes.set(target, { kind: 'subvolume', info: { ...info, number } });
    await afterwards?.();
    this.syncs += 1;
  }

  async sync(path: string): Promise<void> {
    this.#checkDirectory(path, 'sync');
    this.syncs += 1;
  }

  async freeBytes(path: string): Promise<number> {
    this.#checkDirectory(path, 'look for free space');
    return this.free_bytes;
  }

  #add(path: string, what: Pick<SubvolumeInfo, 'parent_uuid' | 'received_uuid' | 'read_only'>): void {
    this.#made += 1;
    this.#generation += 1;
    const uuid = `${hex(this.#options.filesystem_number ?? 0, 8)}-0000-4000-8000-${hex(this.#made, 12)}`;
    const now_ms = this.#options.now?.() ?? 1_700_000_000_000 + this.#made * 1000;
    const info: SubvolumeInfo = {
      ...what,
      number: basename(path),
      uuid,
      created_generation: this.#generation,
      created_at_ms: Math.floor(now_ms / 1000) * 1000,
      subvolume_id: 255 + this.#made,
    };
    this.#nodes.set(path, { kind: 'subvolume', info });
  }

  #inside(path: string): string[] {
    return [...this.#nodes.keys()].filter((other) => other.startsWith(`${path}/`));
  }

  #subvolumesIn(path: string): SubvolumeInfo[] {
    const found: SubvolumeInfo[] = [];
    for (const [other, node] of this.#nodes) {
      if (dirname(other) === path && node.kind === 'subvolume') found.push(node.info);
    }
    return found;
  }

  #checkDirectory(path: string, operation: string): void {
    const node = this.#nodes.get(path);
    if (node === undefined || node.kind === 'file') {
      throw new IcbdError('DirNotFound', `there is no directory ${path}`, { operation, subject: path });
    }
    const { mountpoint } = this.#options;
    if (path === mountpoint || path.startsWith(`${mountpoint}/`)) return;
    throw new IcbdError('BtrfsPathNotFound', `${path} does not lie on btrfs`, { operation, subject: path });
  }

  #checkFree(path: string, operation: string): void {
    this.#checkDirectory(dirname(path), operation);
    if (!this.#nodes.has(path)) return;
    throw new IcbdError('SnapshotAlreadyExists', `something stands at ${path} already`, {
      operation,
      subject: path,
    });
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function noSubvolume(operation: string, path: string): IcbdError {
  return new IcbdError('BtrfsSubvolumeNotFound', `${path} is not a subvolume`, { operation, subject: path });
}

function isNumber(name: string): boolean {
  try {
    checkSnapshotNumber(name);
    return true;
  } catch {
    return false;
  }
}
