import type { StatusReport } from '../../core/report.js';
import { type Cell, renderFields } from './table.js';
import { counted } from './text.js';
import { formatBytes, formatRelative, formatTime } from './units.js';
import type { View } from './view.js';

function linkFields(status: StatusReport): [string, Cell][] {
  if (status.role === 'master') {
    return [
      ['listens on', status.link_address],
      ['replicas', `${status.replicas_online} of ${status.replicas_total} online`],
    ];
  }
  const link: Cell = status.is_linked ? { text: 'up', style: 'green' } : { text: 'down', style: 'yellow' };
  return [
    ['master', status.link_address],
    ['link', link],
  ];
}

/** One daemon at a glance. */
export function renderStatus(status: StatusReport, view: View): string {
  const by_state = Object.entries(status.transfers_by_state)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const started = `${formatTime(status.started_at_ms)} (${formatRelative(status.started_at_ms, view.now_ms)})`;
  const fields: [string, Cell][] = [
    ['node', { text: `${status.node} (${status.role})`, style: 'bold' }],
    ['version', `${status.version}, protocol ${status.protocol_version}`],
    ['process', `${status.pid}, start number ${status.epoch}`],
    ['started', started],
    ['mountpoint', `${status.mountpoint}, ${formatBytes(status.free_bytes)} free`],
    ['state database', formatBytes(status.database_bytes)],
    ...linkFields(status),
    ['images', String(status.images)],
    [status.role === 'master' ? 'transfers' : 'receptions', by_state.join(', ') || 'none'],
  ];
  const parked: [string, Cell][] = status.parked.map(({ kind, id, reason }) => [
    'parked',
    { text: `${kind} ${id}: ${reason}`, style: 'red' },
  ]);
  const note = parked.length === 0 ? '' : `${counted(parked.length, 'actor')} parked: they take no events\n`;
  return renderFields([...fields, ...parked], view) + note;
}
