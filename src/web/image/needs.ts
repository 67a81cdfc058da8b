/** Who holds the snapshots of an image, and who needs them. */
import type { CopyReport } from '../../core/fleet_report.js';
import type { SnapshotNeed, SnapshotReport } from '../../core/report.js';

/** Why a snapshot should stay, in words. */
export function needWords({ kind, node, transfer, otherwise }: SnapshotNeed): string {
  if (kind === 'sent') return `is being sent to ${node}`;
  if (kind === 'received') return `is being received from ${node}`;
  if (kind === 'parent')
    return `${transfer === '' ? 'a transfer' : `transfer ${transfer}`} to ${node} builds on it`;
  const instead = otherwise === '' ? 'a full one' : `one on ${otherwise}`;
  return `the next increment to ${node} builds on it; without it, it would be ${instead}`;
}

export interface SnapshotRow {
  readonly snapshot: SnapshotReport;
  /** Replicas of which it is the newest of this image. */
  readonly newest_on: readonly string[];
  /** Replicas that lack it, as far as is known: their newest is an older one, or they hold none. */
  readonly lacking_on: readonly string[];
}

/**
 * The newest first.
 * @param snapshots as the master lists them, the oldest first
 */
export function snapshotRows(
  snapshots: readonly SnapshotReport[],
  copies: readonly CopyReport[],
): SnapshotRow[] {
  const places = new Map(snapshots.map(({ number }, index) => [number, index]));
  const known = copies.filter(({ state }) => state !== 'unknown');
  return snapshots
    .map((snapshot, index) => ({
      snapshot,
      newest_on: known.filter(({ newest }) => newest === snapshot.number).map(({ replica }) => replica),
      lacking_on: known
        .filter(({ newest }) => (places.get(newest) ?? -1) < index)
        .map(({ replica }) => replica),
    }))
    .toReversed();
}
