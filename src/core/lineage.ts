/**
 * Lineage: the snapshots of one image on two nodes, and which came from which.
 * All decisions go by uuid and received_uuid; a number alone never proves that two snapshots are the same.
 */
import { compareSnapshotNumbers, isDecimalNumber } from './names.js';

/** One read-only subvolume of an image, as btrfs describes it. */
export interface SnapshotInfo {
  /** The last component of its path. */
  readonly number: string;
  /** Lower-case, with dashes. */
  readonly uuid: string;
  /** The uuid of the subvolume that this one is a received copy of; empty if it was made here. */
  readonly received_uuid: string;
  /** The uuid of the subvolume it was snapshotted from; empty if none. */
  readonly parent_uuid: string;
  /** Generation of the filesystem at its creation; orders snapshots of one filesystem by age. */
  readonly created_generation: number;
  /** Unix time in ms. */
  readonly created_at_ms: number;
}

/**
 * The uuid by which every copy of a snapshot is known: its received_uuid if it is a copy itself, else its own.
 * `btrfs send` writes just this one into the stream.
 */
export function identityOf(snapshot: SnapshotInfo): string {
  return snapshot.received_uuid === '' ? snapshot.uuid : snapshot.received_uuid;
}

/** Whether two snapshots on different nodes hold the same content by their uuids. */
export function isSameSnapshot(a: SnapshotInfo, b: SnapshotInfo): boolean {
  return identityOf(a) === identityOf(b);
}

/** What must be done so that a replica holds a snapshot. */
export type TransferPlan =
  | { readonly kind: 'already_there'; readonly number: string }
  | { readonly kind: 'full'; readonly reason: string }
  | { readonly kind: 'incremental'; readonly parent: SnapshotInfo; readonly reason: string }
  | { readonly kind: 'conflict'; readonly theirs: SnapshotInfo };

/** Oldest first: by generation, then by number. */
export function compareByAge(a: SnapshotInfo, b: SnapshotInfo): number {
  return a.created_generation - b.created_generation || compareSnapshotNumbers(a.number, b.number);
}

/** The order in which snapshots are shown: decimal numbers by value, then other names by creation. */
export function compareSnapshots(a: SnapshotInfo, b: SnapshotInfo): number {
  const are_names = !isDecimalNumber(a.number) && !isDecimalNumber(b.number);
  return are_names ? compareByAge(a, b) : compareSnapshotNumbers(a.number, b.number);
}

/** The last snapshot of an image: that of the largest number, or, if none has a number, the newest. */
export function lastSnapshot<T extends SnapshotInfo>(snapshots: readonly T[]): T | undefined {
  const numbered = snapshots.filter(({ number }) => isDecimalNumber(number));
  return (numbered.length > 0 ? numbered : snapshots).toSorted(compareSnapshots).at(-1);
}

/** Those of `ours` that the other side holds as well, the base of the next increment first. */
export function commonSnapshots<T extends SnapshotInfo>(
  ours: readonly T[],
  theirs: readonly SnapshotInfo[],
): T[] {
  const held = new Set(theirs.map(identityOf));
  return ours.filter((snapshot) => held.has(identityOf(snapshot))).toSorted((a, b) => compareByAge(b, a));
}

/**
 * Decides how `target` gets to a replica.
 *
 * The parent is the newest snapshot older than the target that both sides hold; without one, the oldest of the
 * later ones that both hold, being the nearest; without that, the snapshot is sent in full.
 *
 * @param target the snapshot to be sent, one of `ours`
 * @param ours the snapshots of the image on the sending node
 * @param theirs the snapshots of the image on the replica, complete ones only
 */
export function planTransfer(
  target: SnapshotInfo,
  ours: readonly SnapshotInfo[],
  theirs: readonly SnapshotInfo[],
): TransferPlan {
  const same_number = theirs.find((snapshot) => snapshot.number === target.number);
  if (same_number !== undefined && !isSameSnapshot(same_number, target)) {
    return { kind: 'conflict', theirs: same_number };
  }
  // A copy under another number counts: a second one with the same received_uuid would make lineage ambiguous.
  const same = theirs.find((snapshot) => isSameSnapshot(snapshot, target));
  if (same !== undefined) return { kind: 'already_there', number: same.number };

  const common = commonSnapshots(ours, theirs).filter((snapshot) => snapshot.uuid !== target.uuid);
  const older = common.filter((snapshot) => compareByAge(snapshot, target) < 0);
  const parent = older.at(0) ?? common.at(-1);
  if (parent === undefined) {
    const reason =
      theirs.length === 0 ? 'the replica holds no snapshot of the image' : 'no snapshot in common';
    return { kind: 'full', reason };
  }
  const reason = `${older.length > 0 ? 'newest older' : 'oldest later'} snapshot that both sides hold`;
  return { kind: 'incremental', parent, reason };
}
