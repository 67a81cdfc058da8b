/** The replicas in a table: what it shows of each, in which order. */
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import type { ReplicaReport } from '../../core/report.js';

export interface LagSummary {
  readonly in_sync: number;
  /** Behind, in transfer or empty. */
  readonly behind: number;
  readonly failed: number;
  readonly unknown: number;
  /** Of the copy that is furthest behind, seconds. */
  readonly lag_s: number;
}

const no_lag: LagSummary = { in_sync: 0, behind: 0, failed: 0, unknown: 0, lag_s: 0 };

const added = (sum: LagSummary, { state, lag_s }: CopyReport): LagSummary => ({
  in_sync: sum.in_sync + Number(state === 'in_sync'),
  behind: sum.behind + Number(state === 'behind' || state === 'in_transfer' || state === 'empty'),
  failed: sum.failed + Number(state === 'failed'),
  unknown: sum.unknown + Number(state === 'unknown'),
  lag_s: Math.max(sum.lag_s, state === 'unknown' ? 0 : lag_s),
});

/** By the name of the replica. */
export function lagsOf(copies: readonly CopyReport[]): Map<string, LagSummary> {
  const lags = new Map<string, LagSummary>();
  for (const copy of copies) lags.set(copy.replica, added(lags.get(copy.replica) ?? no_lag, copy));
  return lags;
}

/** `all 4 in sync`, `1 failed, 2 of 4 behind by up to 3 h`. */
export function lagWords(lag: LagSummary | undefined, duration: (seconds: number) => string): string {
  if (lag === undefined) return '';
  const { in_sync, behind, failed, unknown, lag_s } = lag;
  const all = in_sync + behind + failed + unknown;
  if (all === unknown) return 'not known yet';
  if (in_sync === all) return all === 1 ? 'in sync' : `all ${all} in sync`;
  const late = behind === 0 ? '' : `${behind} of ${all} behind`;
  const bad = failed === 0 ? '' : `${failed} failed`;
  const by = lag_s === 0 ? '' : `${behind === 0 ? ', behind' : ''} by up to ${duration(lag_s)}`;
  const rest = unknown === 0 ? '' : `${unknown} not known`;
  const words = [bad, late].filter((word) => word !== '').join(', ');
  return [`${words}${by}`, rest].filter((word) => word !== '').join(', ');
}

export const replica_orders = ['state', 'name', 'lag', 'transfers', 'answer'] as const;
export type ReplicaOrder = (typeof replica_orders)[number];

export interface ReplicaRow {
  readonly replica: ReplicaReport;
  readonly lag: LagSummary | undefined;
}

/** What needs a look comes first. */
const state_ranks = ['offline', 'suspect', 'back', 'online'];

const rankOf: Readonly<Record<ReplicaOrder, (row: ReplicaRow) => number>> = {
  state: ({ replica }) => state_ranks.indexOf(replica.state),
  name: () => 0,
  lag: ({ lag }) => -((lag?.failed ?? 0) > 0 ? Number.MAX_VALUE : (lag?.lag_s ?? -1)),
  transfers: ({ replica }) => -(replica.transfers_running * 1_000_000 + replica.transfers_waiting),
  answer: ({ replica }) => -(replica.round_trip_ms ?? -1),
};

const by_name = new Intl.Collator('en', { numeric: true });

export interface RowChoice {
  readonly text: string;
  /** Empty: all. */
  readonly state: string;
  readonly order: ReplicaOrder;
}

/** Those that fit, in the order that was asked for; where that says nothing, by their names. */
export function replicaRows(
  replicas: readonly ReplicaReport[],
  fleet: FleetReport | undefined,
  { text, state, order }: RowChoice,
): ReplicaRow[] {
  const lags = lagsOf(fleet?.copies ?? []);
  const wanted = text.trim().toLowerCase();
  return replicas
    .filter((replica) => state === '' || replica.state === state)
    .filter(({ name, address }) => `${name} ${address}`.toLowerCase().includes(wanted))
    .map((replica) => ({ replica, lag: lags.get(replica.name) }))
    .toSorted(
      (one, other) =>
        rankOf[order](one) - rankOf[order](other) || by_name.compare(one.replica.name, other.replica.name),
    );
}

/** How many are in each state, those that need a look first; states that none is in are left out. */
export function stateCounts(replicas: readonly ReplicaReport[]): { state: string; count: number }[] {
  return state_ranks
    .map((state) => ({ state, count: replicas.filter((replica) => replica.state === state).length }))
    .filter(({ count }) => count > 0);
}
