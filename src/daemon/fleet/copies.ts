/** What one replica has of one image, told from what the master has and what the replica is known to hold. */
import type { CopyReport } from '../../core/fleet_report.js';
import { type SnapshotInfo, compareByAge, identityOf } from '../../core/lineage.js';

/** What a replica is known to hold of an image. */
export interface Held {
  /** Identities of its snapshots. */
  readonly identities: ReadonlySet<string>;
  /** When the replica said so, unix ms; null: it only follows from earlier transfers. */
  readonly known_at_ms: number | null;
}

/** A transfer that may still bring a snapshot, or that failed to. */
export interface ShownTransfer {
  readonly id: string;
  readonly number: string;
  /** Identity of the snapshot; empty as long as no plan was made. */
  readonly identity: string;
  /** `moving`: it goes on by itself. `halted`: it goes on when an operator says so. `failed`: or parked. */
  readonly phase: 'moving' | 'halted' | 'failed' | 'over';
  /** Unix ms. */
  readonly created_at_ms: number;
}

/** The transfers of one image to one replica that a copy is told by. */
export interface CopyTransfers {
  /** Those that are not settled, oldest first. */
  readonly open: readonly ShownTransfer[];
  /** The newest of each snapshot, by its number. */
  readonly newest: ReadonlyMap<string, ShownTransfer>;
}

export const no_transfers: CopyTransfers = { open: [], newest: new Map() };

/** The master's snapshots of an image, as copies are compared with them. */
export interface MasterSnapshots {
  /** Oldest first. */
  readonly by_age: readonly SnapshotInfo[];
  /** Of the same. */
  readonly identities: readonly string[];
}

export function masterSnapshots(snapshots: readonly SnapshotInfo[]): MasterSnapshots {
  const by_age = snapshots.toSorted(compareByAge);
  return { by_age, identities: by_age.map(identityOf) };
}

/** Index of the newest of the master's snapshots that is held; -1: none is. */
function newestHeld({ identities }: MasterSnapshots, held: ReadonlySet<string>): number {
  for (let index = identities.length - 1; index >= 0; index -= 1) {
    if (held.has(identities[index] ?? '')) return index;
  }
  return -1;
}

/** Whether a transfer is one of this very snapshot, and not of one that had its number before. */
function isOf(transfer: ShownTransfer, snapshot: SnapshotInfo): boolean {
  if (transfer.identity !== '') return transfer.identity === identityOf(snapshot);
  return transfer.created_at_ms >= snapshot.created_at_ms;
}

/** The transfer that decides what the copy's state is: the newest one of the newest missing snapshot that has one. */
function decisive(
  missing: readonly SnapshotInfo[],
  { newest }: CopyTransfers,
  isWanted: (transfer: ShownTransfer) => boolean,
): ShownTransfer | undefined {
  if (newest.size === 0) return undefined;
  for (let index = missing.length - 1; index >= 0; index -= 1) {
    const snapshot = missing[index];
    const transfer = newest.get(snapshot?.number ?? '');
    if (snapshot === undefined || transfer === undefined) continue;
    if (isWanted(transfer) && isOf(transfer, snapshot)) return transfer;
  }
  return undefined;
}

function stateOf(
  missing: readonly SnapshotInfo[],
  has_any: boolean,
  transfers: CopyTransfers,
): CopyReport['state'] {
  if (missing.length === 0) return 'in_sync';
  const deciding = decisive(missing, transfers, ({ phase }) => phase === 'moving' || phase === 'failed');
  if (deciding?.phase === 'moving') return 'in_transfer';
  if (deciding?.phase === 'failed') return 'failed';
  return has_any ? 'behind' : 'empty';
}

export interface CopyOptions {
  readonly image: string;
  readonly replica: string;
  readonly is_online: boolean;
  /** Undefined: the master has not looked at its own yet. */
  readonly ours: MasterSnapshots | undefined;
  /** Undefined: nothing is known of the replica. */
  readonly held: Held | undefined;
  readonly transfers: CopyTransfers;
  /** Unix ms. */
  readonly now_ms: number;
}

/** How a replica stands with an image. Snapshots are the same by their identity, never by their number. */
export function copyOf(options: CopyOptions): CopyReport {
  const { image, replica, is_online, ours, held, transfers, now_ms } = options;
  const shared = {
    image,
    replica,
    is_online,
    transfers: transfers.open.map(({ id }) => id),
    known_at_ms: held?.known_at_ms ?? null,
  };
  if (ours === undefined || held === undefined) {
    const is_moving = transfers.open.some(({ phase }) => phase === 'moving');
    const state = is_moving ? 'in_transfer' : 'unknown';
    return { ...shared, state, newest: '', snapshots_behind: 0, lag_s: 0, failed_transfer: '' };
  }
  const { by_age } = ours;
  const common = newestHeld(ours, held.identities);
  const missing = by_age.slice(common + 1);
  const first_missing = missing[0];
  return {
    ...shared,
    state: stateOf(missing, common >= 0, transfers),
    newest: by_age[common]?.number ?? '',
    snapshots_behind: missing.length,
    // A clock that was set back makes no negative lag.
    lag_s: first_missing === undefined ? 0 : Math.max(0, (now_ms - first_missing.created_at_ms) / 1_000),
    failed_transfer: decisive(missing, transfers, ({ phase }) => phase === 'failed')?.id ?? '',
  };
}
