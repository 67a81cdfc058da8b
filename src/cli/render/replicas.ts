/** Replicas: all of them in a table, one on a screen, and what happened to it. */
import type { ReplicaHistoryReport, ReplicaReport } from '../../core/report.js';
import { describeOmitted, renderTimeline } from './history.js';
import { type Cell, renderFields, renderTable } from './table.js';
import { counted, printable } from './text.js';
import { formatDuration, formatRelative, formatTime } from './units.js';
import { type View, styleOfState, styled } from './view.js';

const since = (replica: ReplicaReport, view: View): string =>
  replica.changed_at_ms === null ? 'never' : formatRelative(replica.changed_at_ms, view.now_ms);

const ago = (at_ms: number | null, view: View): string =>
  at_ms === null ? '' : formatRelative(at_ms, view.now_ms);

const roundTrip = ({ round_trip_ms }: ReplicaReport): string =>
  round_trip_ms === null ? '' : formatDuration(round_trip_ms);

export function renderReplicas(replicas: readonly ReplicaReport[], view: View): string {
  if (replicas.length === 0) return 'no replicas: they stand in the config of the master\n';
  const rows = replicas.map((replica) => [
    String(replica.node_id),
    replica.name,
    { text: replica.state, style: styleOfState(replica.state) },
    since(replica, view),
    ago(replica.last_answer_at_ms, view),
    roundTrip(replica),
    String(replica.transfers_running),
    String(replica.transfers_waiting),
    replica.address,
    replica.btrfs_progs,
    replica.kernel,
    replica.codecs.join(','),
    replica.reason,
  ]);
  const columns = [
    { title: 'ID', align: 'right' as const },
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'SINCE' },
    { title: 'ANSWERED' },
    { title: 'IN', align: 'right' as const },
    { title: 'RUNNING', align: 'right' as const },
    { title: 'WAITING', align: 'right' as const },
    { title: 'ADDRESS' },
    { title: 'BTRFS' },
    { title: 'KERNEL' },
    { title: 'CODECS' },
    { title: 'WHY' },
  ];
  return renderTable(columns, rows, view);
}

/** All about one replica, on one screen. */
export function renderReplica(replica: ReplicaReport, view: View): string {
  const time = (at_ms: number | null): string =>
    at_ms === null ? '' : `${formatTime(at_ms)} (${formatRelative(at_ms, view.now_ms)})`;
  const round_trip = roundTrip(replica);
  const answered = time(replica.last_answer_at_ms);
  const fields: [string, Cell][] = [
    ['replica', { text: `${replica.name} (${replica.node_id})`, style: 'bold' }],
    ['state', { text: `${replica.state}: ${replica.state_description}`, style: styleOfState(replica.state) }],
    ['because', replica.reason],
    ['since', replica.changed_at_ms === null ? 'never connected' : time(replica.changed_at_ms)],
    ['link', replica.linked_at_ms === null ? 'down' : `up since ${time(replica.linked_at_ms)}`],
    ['address', replica.address],
    ['last answer', round_trip === '' ? answered : `${answered}, after ${round_trip}`],
    ['missed', replica.missed === 0 ? '' : `${counted(replica.missed, 'keep-alive')} in a row`],
    ['transfers', `${replica.transfers_running} running, ${replica.transfers_waiting} waiting`],
    ['btrfs-progs', replica.btrfs_progs],
    ['kernel', replica.kernel],
    ['codecs', replica.codecs.join(', ')],
  ];
  return renderFields(fields, view);
}

/** What happened to one replica: when, why, from which state to which. */
export function renderReplicaHistory({ replica, events, omitted }: ReplicaHistoryReport, view: View): string {
  const title = styled(`replica ${printable(replica.name)}: `, 'bold', view);
  const state = styled(replica.state, styleOfState(replica.state), view);
  const older = styled(describeOmitted(omitted), 'dim', view);
  const rows = renderTimeline({ events, effects: [] }, view);
  return `${title}${state}, ${printable(replica.state_description)}\n${older}${rows}`;
}
