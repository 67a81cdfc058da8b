import type { StatusReport } from '../../core/report.js';
import { type Cell, renderFields } from './table.js';
import { counted } from './text.js';
import { formatBytes, formatRelative, formatTime } from './units.js';
import type { View } from './view.js';

function linkFields(status: StatusReport): [string, Cell][] {
  if (status.role === 'nameserver') {
    return [
      ['listens on', status.link_address],
      ['names', String(status.names ?? 0)],
    ];
  }
  if (status.role === 'master') {
    return [
      ['listens on', status.link_address],
      ['replicas', `${status.replicas_online} of ${status.replicas_total} online`],
    ];
  }
  const link: Cell = status.is_linked ? { text: 'up', style: 'green' } : { text: 'down', style: 'yellow' };
  return [
    ['master', status.link_address || 'not known yet: no name server has told where it is'],
    ['link', link],
    ['ssh tunnel', tunnelCell(status)],
  ];
}

/** Empty, so that it is not shown, where there is none. */
function tunnelCell({ tunnel }: StatusReport): Cell {
  if (tunnel === undefined || tunnel === null) return '';
  const { via, state, error } = tunnel;
  if (error !== null) return { text: `${via}: ${error.message}`, style: 'red' };
  return { text: `${via}: ${state}`, style: state === 'up' ? 'green' : 'yellow' };
}

/** What a node with images has to say of them. */
function imageFields(status: StatusReport): [string, Cell][] {
  const by_state = Object.entries(status.transfers_by_state)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return [
    ['images', String(status.images)],
    [status.role === 'master' ? 'transfers' : 'receptions', by_state.join(', ') || 'none'],
  ];
}

/** One daemon at a glance. */
export function renderStatus(status: StatusReport, view: View): string {
  const has_images = status.role !== 'nameserver';
  const started = `${formatTime(status.started_at_ms)} (${formatRelative(status.started_at_ms, view.now_ms)})`;
  const free = formatBytes(status.free_bytes);
  const mountpoint: [string, Cell] = ['mountpoint', `${status.mountpoint}, ${free} free`];
  const fields: [string, Cell][] = [
    ['node', { text: `${status.node} (${status.role})`, style: 'bold' }],
    ['version', `${status.version}, protocol ${status.protocol_version}`],
    ['process', `${status.pid}, start number ${status.epoch}`],
    ['started', started],
    ...(has_images ? [mountpoint] : []),
    ['state database', formatBytes(status.database_bytes)],
    ...linkFields(status),
    ['page', status.page_url ?? ''],
    ...(has_images ? imageFields(status) : []),
  ];
  const parked: [string, Cell][] = status.parked.map(({ kind, id, reason }) => [
    'parked',
    { text: `${kind} ${id}: ${reason}`, style: 'red' },
  ]);
  const note = parked.length === 0 ? '' : `${counted(parked.length, 'actor')} parked: they take no events\n`;
  return renderFields([...fields, ...parked], view) + note;
}
