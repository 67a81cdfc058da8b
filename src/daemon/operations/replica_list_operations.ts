import { isConnected } from '../../actors/replica.js';
import { machines } from '../../actors/machines.js';
import type { HistoryFilter, ReplicaHistoryReport, ReplicaReport } from '../../core/report.js';
import type { Storage } from '../../storage/storage.js';
import { actorHistory } from '../actor_history.js';
import type { KeepAliveReport } from '../keep_alive.js';
import type { Fleet, KnownReplica } from './fleet.js';
import type { ReplicaListOperations } from './operations.js';

export interface ReplicaListOptions {
  readonly fleet: Fleet;
  readonly storage: Storage;
  /** Undefined for a node without a link. */
  readonly keepAliveOf: (node: string) => KeepAliveReport | undefined;
}

function describe(state: string): string {
  const states = machines.replica.machine.states as Record<string, { description?: string }>;
  return states[state]?.description ?? state;
}

function reportReplica({ context, state }: KnownReplica, alive: KeepAliveReport | undefined): ReplicaReport {
  return {
    node_id: context.node_id,
    name: context.name,
    state,
    state_description: describe(state),
    is_connected: isConnected(state),
    address: context.address,
    changed_at_ms: context.changed_at_ms,
    linked_at_ms: context.linked_at_ms,
    reason: context.reason,
    last_answer_at_ms: alive?.last_answer_at_ms ?? null,
    round_trip_ms: alive?.round_trip_ms ?? null,
    missed: alive?.missed ?? 0,
    btrfs_progs: context.capabilities?.btrfs_progs ?? '',
    kernel: context.capabilities?.kernel ?? '',
    codecs: context.capabilities?.codecs ?? [],
    transfers_running: context.queue.filter((entry) => entry.state === 'running').length,
    transfers_waiting: context.queue.filter((entry) => entry.state !== 'running').length,
  };
}

/** The replicas as the master sees them: whether they are there, since when, and what happened before. */
export function replicaListOperations({
  fleet,
  storage,
  keepAliveOf,
}: ReplicaListOptions): ReplicaListOperations {
  const report = (known: KnownReplica): ReplicaReport =>
    reportReplica(known, keepAliveOf(known.context.name));
  const get = async (text: string): Promise<ReplicaReport> => report(fleet.find(text));
  return {
    list: async () => fleet.replicas().map(report),
    get,
    history: async (text: string, filter: HistoryFilter): Promise<ReplicaHistoryReport> => {
      const replica = await get(text);
      const { events, omitted } = actorHistory(storage, { kind: 'replica', id: replica.name }, filter);
      return { replica, events, omitted };
    },
  };
}
