import type { SnapshotInfo } from '../core/lineage.js';

/** A subvolume as it is now, complete or not. */
export interface SubvolumeInfo extends SnapshotInfo {
  readonly read_only: boolean;
  /** Unique in its filesystem and never given twice. */
  readonly subvolume_id: number;
}

/**
 * The snapshots on one node's disk: all that the rest of the system does to a filesystem but for send and receive.
 *
 * For every method: paths are absolute; any of them may be called at the same time as any other, on the same path
 * too; a call that failed, or whose answer was lost, may be made again. Any method may throw `NotPermitted`,
 * `ProgramNotFound`, `NoSpace`, `BtrfsFailed`, each with a hint; what is said below comes on top.
 */
export interface SnapshotStore {
  /**
   * Returns if `path` is a directory on btrfs. It need not be a mount point itself.
   * @throws IcbdError `DirNotFound` (also for what is no directory), `BtrfsPathNotFound`
   */
  checkMountpoint(path: string): Promise<void>;

  /**
   * The complete snapshots directly inside the directory `image_path`, in order (`compareSnapshots`).
   *
   * Complete is what is read-only: `btrfs receive` sets the flag last, after received_uuid. Names that start with
   * `.`, or that `checkSnapshotNumber` refuses, are left out. Creation times have whole seconds.
   * Costs a fixed number of processes, however many snapshots there are.
   * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`
   */
  listSnapshots(image_path: string): Promise<SnapshotInfo[]>;

  /**
   * Names of the subvolumes directly inside `image_path` that start with `hidden_prefix`, sorted: what receptions
   * have made and not published, complete or not.
   * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`
   */
  listHidden(image_path: string): Promise<string[]>;

  /**
   * @throws IcbdError `BtrfsSubvolumeNotFound` if there is nothing, or what is there is not a subvolume
   */
  inspect(path: string): Promise<SubvolumeInfo>;

  /** Whether `path` itself (no symlink is followed) is a subvolume; false if there is nothing. */
  isSubvolume(path: string): Promise<boolean>;

  /**
   * Takes a read-only snapshot of `source`. Not idempotent: the second call throws `SnapshotAlreadyExists`.
   * @throws IcbdError `BtrfsSubvolumeNotFound` (the source, also one of another filesystem), `SnapshotAlreadyExists`
   *   (anything stands at `destination`, which is left as it was), `DirNotFound` (the directory of `destination`)
   */
  createSnapshot(source: string, destination: string): Promise<void>;

  /**
   * Makes a subvolume read-only. Idempotent. What has a file in it open for writing can go on writing: the kernel
   * looks at the flag only when a file is opened.
   * @throws IcbdError `BtrfsSubvolumeNotFound` if there is nothing, or what is there is not a subvolume
   */
  setReadOnly(path: string): Promise<void>;

  /**
   * Makes an empty writable subvolume.
   * @throws IcbdError `SnapshotAlreadyExists` (anything stands at `path`), `DirNotFound` (its directory)
   */
  createSubvolume(path: string): Promise<void>;

  /**
   * Deletes a subvolume, read-only or not, complete or not. Idempotent: what is gone already is a success.
   * Its space comes back later, when the filesystem's cleaner has run.
   * @throws IcbdError `BtrfsSubvolumeNotFound` if `path` is something else than a subvolume, which is never touched;
   *   `BtrfsFailed` if other subvolumes lie inside, which are never touched either, or `btrfs send` reads it
   */
  deleteSubvolume(path: string): Promise<void>;

  /**
   * Makes a received subvolume visible: `hidden_name` in the directory `image_path` becomes `number`. All that it
   * holds is on disk before it has its name, and its name is on disk when this returns.
   *
   * Never replaces anything. Idempotent: if the hidden subvolume is gone and a complete snapshot of the expected
   * identity stands under `number`, that is a success.
   *
   * @param hidden_name starts with `hidden_prefix`
   * @param expected_identity what `identityOf` must say of it: the received_uuid that the stream gave
   * @param afterwards done once it has its name, and on disk as well when this returns: what is not needed any more can
   *   be deleted there, and does not come back after a power cut
   * @throws IcbdError `SnapshotAlreadyExists` (something else stands under `number`, or the hidden one is there as
   *   well), `CorruptData` (the hidden subvolume is not complete, or not of this identity),
   *   `BtrfsSubvolumeNotFound` (neither is there), `InvalidArgument` (a name), `DirNotFound`, `BtrfsPathNotFound`
   */
  publish(
    image_path: string,
    hidden_name: string,
    number: string,
    expected_identity: string,
    afterwards?: () => Promise<void>,
  ): Promise<void>;

  /**
   * Returns when all that was written to the filesystem of `path` before the call is on disk.
   * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`
   */
  sync(path: string): Promise<void>;

  /**
   * Bytes that can still be written to the filesystem of `path`, as it estimates them.
   * @throws IcbdError `DirNotFound`, `BtrfsPathNotFound`
   */
  freeBytes(path: string): Promise<number>;
}
