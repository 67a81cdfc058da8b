/** What a name server tells, for people. */
import type {
  NameRemovalReport,
  NameReport,
  NameServerReport,
  NameState,
  RemovedNameReport,
} from '../../core/name_report.js';
import { renderFields, renderTable } from './table.js';
import { counted, printable } from './text.js';
import { formatDuration, formatRelative, formatTime } from './units.js';
import type { Style, View } from './view.js';

const style_of_state: Readonly<Record<NameState, Style>> = {
  reachable: 'green',
  suspect: 'yellow',
  unreachable: 'red',
};

/** When auto-clean removes it if nobody renews it. */
function lapses({ expires_at_ms }: NameReport, now_ms: number): string {
  if (expires_at_ms === null) return 'never';
  return expires_at_ms <= now_ms ? 'not renewed' : formatRelative(expires_at_ms, now_ms);
}

function stateInWords({ state, state_at_ms }: NameReport, now_ms: number): string {
  return state === 'reachable' ? state : `${state} for ${formatDuration(now_ms - state_at_ms)}`;
}

export function renderNames(names: readonly NameReport[], view: View): string {
  if (names.length === 0) return 'no names\n';
  const rows = names.map((report) => [
    report.name,
    report.address,
    { text: stateInWords(report, view.now_ms), style: style_of_state[report.state] },
    lapses(report, view.now_ms),
    report.owner,
    report.metadata.join(','),
    report.state_reason,
  ]);
  const titles = ['NAME', 'ADDRESS', 'STATE', 'LAPSES', 'OWNER', 'METADATA', 'WHY'];
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    view,
  );
}

/** All that is known of one. */
export function renderName(report: NameReport, view: View): string {
  const { now_ms } = view;
  const { lease_s } = report;
  return renderFields(
    [
      ['name', report.name],
      ['address', report.address],
      ['state', { text: stateInWords(report, now_ms), style: style_of_state[report.state] }],
      ['why', report.state_reason],
      ['owner', report.owner],
      ['metadata', report.metadata.join(', ')],
      ['registered', formatTime(report.registered_at_ms)],
      ['lease', lease_s === null ? 'none: it stays until it is removed' : formatDuration(lease_s * 1_000)],
      ['renewed', lease_s === null ? '' : formatRelative(report.renewed_at_ms, now_ms)],
      ['lapses', lease_s === null ? '' : lapses(report, now_ms)],
    ],
    view,
  );
}

export function renderRemoved(names: readonly RemovedNameReport[], view: View): string {
  if (names.length === 0) return 'nothing was removed\n';
  const rows = names.map(({ name, address, owner, removed_at_ms, reason }) => [
    name,
    formatTime(removed_at_ms),
    reason,
    owner,
    address,
  ]);
  const titles = ['NAME', 'REMOVED', 'WHY', 'OWNER', 'ADDRESS'];
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    view,
  );
}

export function renderRemoval({ removed, names }: NameRemovalReport): string {
  const lines = names.map((name) => `  ${printable(name)}\n`).join('');
  return `${counted(removed, 'name')} removed\n${lines}`;
}

export function renderNameServer(server: NameServerReport, view: View): string {
  return renderFields(
    [
      ['name server', server.node],
      ['address', server.address],
      ['names', String(server.names)],
      ['up', `since ${formatTime(server.started_at_ms)}`],
      ['answered in', formatDuration(server.round_trip_ms)],
    ],
    view,
  );
}
