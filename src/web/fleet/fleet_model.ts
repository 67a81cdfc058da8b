/** What the fleet's view shows, computed from the master's report and from what has changed since. */
import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import type { ReplicaReport, TransferReport } from '../../core/report.js';

export type CopyState = CopyReport['state'];

/** From the best to the worst; what is unknown may be bad. */
export const copy_states: readonly CopyState[] = [
  'in_sync',
  'in_transfer',
  'behind',
  'failed',
  'empty',
  'unknown',
];

const badness: Readonly<Record<CopyState, number>> = {
  in_sync: 0,
  in_transfer: 1,
  empty: 2,
  unknown: 3,
  behind: 4,
  failed: 5,
};

/** Copies by replica, then by image. */
export type CopyIndex = ReadonlyMap<string, ReadonlyMap<string, CopyReport>>;

export function indexCopies(copies: readonly CopyReport[]): CopyIndex {
  const index = new Map<string, Map<string, CopyReport>>();
  for (const copy of copies) {
    let of_replica = index.get(copy.replica);
    if (of_replica === undefined) index.set(copy.replica, (of_replica = new Map<string, CopyReport>()));
    of_replica.set(copy.image, copy);
  }
  return index;
}

export interface FleetSummary {
  readonly by_state: Readonly<Record<CopyState, number>>;
  readonly copies: number;
  readonly replicas: number;
  readonly offline: number;
  /** The copy that lags most; null if none does. */
  readonly slowest: CopyReport | null;
}

export function summarise({ copies, replicas }: FleetReport): FleetSummary {
  const by_state: Record<CopyState, number> = {
    in_sync: 0,
    in_transfer: 0,
    behind: 0,
    failed: 0,
    empty: 0,
    unknown: 0,
  };
  let slowest: CopyReport | null = null;
  for (const copy of copies) {
    by_state[copy.state] += 1;
    if (copy.lag_s > (slowest?.lag_s ?? 0)) slowest = copy;
  }
  const offline = replicas.filter(({ state }) => state === 'offline').length;
  return { by_state, copies: copies.length, replicas: replicas.length, offline, slowest };
}

export interface FleetFilter {
  /** Part of the name of a replica or an image. */
  readonly text: string;
  /** Copies in one of these; `offline` stands for replicas that are; empty: all. */
  readonly states: readonly string[];
  readonly order: 'name' | 'worst';
}

/** @param search what stands in the address behind `?` */
export function readFleetFilter(search: string): FleetFilter {
  const query = new URLSearchParams(search);
  return {
    text: query.get('text') ?? '',
    states: (query.get('state') ?? '').split(',').filter((state) => state !== ''),
    order: query.get('order') === 'worst' ? 'worst' : 'name',
  };
}

/** What stands in the address for a filter; what is as always is left out. */
export function writeFleetFilter({ text, states, order }: FleetFilter): Record<string, string> {
  return { text, state: states.join(','), order: order === 'name' ? '' : order };
}

export interface FleetGrid {
  readonly replicas: FleetReport['replicas'];
  readonly images: FleetReport['images'];
}

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** How bad the worst copy of a replica is, and then how far behind it is. */
function badnessOf(replica: FleetReport['replicas'][number], index: CopyIndex): number {
  const copies = [...(index.get(replica.name)?.values() ?? [])];
  const worst = Math.max(0, ...copies.map(({ state }) => badness[state]));
  const lag_s = Math.max(0, ...copies.map((copy) => copy.lag_s));
  return (replica.state === 'offline' ? 6 : worst) * 1e10 + lag_s;
}

/** The rows and columns that a filter leaves. Text that names replicas picks rows, text that names images columns. */
export function gridOf(
  report: FleetReport,
  index: CopyIndex,
  { text, states, order }: FleetFilter,
): FleetGrid {
  const wanted = text.trim().toLowerCase();
  const isNamed = ({ name }: { name: string }): boolean => name.toLowerCase().includes(wanted);
  const named_replicas = report.replicas.filter(isNamed);
  const named_images = report.images.filter(isNamed);
  const is_nothing = named_replicas.length === 0 && named_images.length === 0;
  const images = named_images.length > 0 || is_nothing ? named_images : report.images;
  const of_text = named_replicas.length > 0 || is_nothing ? named_replicas : report.replicas;
  const isShown = ({ name, state }: FleetReport['replicas'][number]): boolean => {
    if (states.length === 0 || states.includes(state)) return true;
    const copies = index.get(name);
    return images.some((image) => states.includes(copies?.get(image.name)?.state ?? ''));
  };
  const replicas = of_text.filter(isShown).toSorted((one, other) => byName.compare(one.name, other.name));
  if (order === 'worst') {
    const by_badness = new Map(replicas.map((replica) => [replica.name, badnessOf(replica, index)]));
    replicas.sort((one, other) => (by_badness.get(other.name) ?? 0) - (by_badness.get(one.name) ?? 0));
  }
  return { replicas, images: images.toSorted((one, other) => byName.compare(one.name, other.name)) };
}

/** A copy that has nothing under way, by what it holds. */
function atRest(copy: CopyReport): CopyState {
  if (copy.failed_transfer !== '') return 'failed';
  return copy.newest === '' ? 'empty' : 'behind';
}

/** The copy after one of its transfers has changed; the master's next report says the rest. */
export function afterTransfer(copy: CopyReport, transfer: TransferReport, newest: string): CopyReport {
  const { id, settled, parked_reason, state, number } = transfer;
  const others = copy.transfers.filter((one) => one !== id);
  const is_under_way = !settled && parked_reason === '';
  const transfers = is_under_way ? [...others, id] : others;
  if (state === 'completed' && number === newest) {
    const done = { newest, snapshots_behind: 0, lag_s: 0, failed_transfer: '' };
    return { ...copy, ...done, transfers, state: 'in_sync' };
  }
  if (copy.state === 'in_sync') return { ...copy, transfers };
  const has_failed = parked_reason !== '' || state === 'failed';
  const is_mended = copy.failed_transfer === id && !has_failed;
  const failed_transfer = has_failed ? id : is_mended ? '' : copy.failed_transfer;
  const changed = { ...copy, transfers, failed_transfer };
  const is_moving = is_under_way && state !== 'paused';
  const others_move = copy.state === 'in_transfer' && others.length > 0;
  return { ...changed, state: is_moving || others_move ? 'in_transfer' : atRest(changed) };
}

/** The report after some transfers have changed. */
export function withTransfers(report: FleetReport, changed: readonly TransferReport[]): FleetReport {
  const newest_by_image = new Map(report.images.map(({ name, newest }) => [name, newest]));
  const by_copy = new Map<string, TransferReport[]>();
  for (const transfer of changed) {
    const key = `${transfer.replica}/${transfer.image}`;
    by_copy.set(key, [...(by_copy.get(key) ?? []), transfer]);
  }
  const copies = report.copies.map((copy) => {
    const transfers = by_copy.get(`${copy.replica}/${copy.image}`) ?? [];
    const newest = newest_by_image.get(copy.image) ?? '';
    return transfers.reduce((now, transfer) => afterTransfer(now, transfer, newest), copy);
  });
  return { ...report, copies };
}

/** The report after some replicas have come or gone. */
export function withReplicas(report: FleetReport, changed: readonly ReplicaReport[]): FleetReport {
  const states = new Map(changed.map(({ name, state }) => [name, state]));
  return {
    ...report,
    replicas: report.replicas.map((replica) => {
      const state = states.get(replica.name);
      return state === undefined || state === replica.state ? replica : { ...replica, state };
    }),
    copies: report.copies.map((copy) => {
      const state = states.get(copy.replica);
      const is_online = state === undefined ? copy.is_online : state !== 'offline';
      return is_online === copy.is_online ? copy : { ...copy, is_online };
    }),
  };
}
