import type { AcceptReport, NodeReport, PingReport, ShutdownReport } from '../../core/node_report.js';
import { type Cell, renderFields, renderTable } from './table.js';
import { counted } from './text.js';
import { formatBytes, formatRelative, formatTime } from './units.js';
import type { View } from './view.js';

/** What a node says of itself. */
export function renderNode(node: NodeReport, view: View): string {
  const { url, via } = node.data_address;
  const started = `${formatTime(node.started_at_ms)} (${formatRelative(node.started_at_ms, view.now_ms)})`;
  const fields: [string, Cell][] = [
    ['node', { text: node.name, style: 'bold' }],
    ['number', node.node_id === null ? 'not told yet: it has not reached its master' : String(node.node_id)],
    ['role', node.role],
    ['data address', via === null ? url : `${url} through ${via}`],
    ['mountpoint', `${node.mountpoint}, ${formatBytes(node.free_bytes)} free`],
    ['version', node.version],
    ['process', String(node.pid)],
    ['started', started],
  ];
  if (node.is_stopping) fields.push(['stopping', { text: 'yes: it takes nothing new', style: 'yellow' }]);
  return renderFields(fields, view);
}

export function renderPing({ node, answer, round_trip_ms }: PingReport): string {
  return `${answer} from ${node} in ${round_trip_ms.toFixed(1)} ms\n`;
}

export function renderShutdown({ node, mode, running }: ShutdownReport): string {
  if (running === 0) return `${node} stops; nothing runs there\n`;
  const what = counted(running, 'transfer');
  return mode === 'finish'
    ? `${node} stops when ${what} came to an end; it takes nothing new\n`
    : `${node} stops; what it has of ${what} is kept in checkpoints\n`;
}

const words: Readonly<Record<AcceptReport['reason'], string>> = {
  '': 'it would be sent',
  unknown_image: 'it does not hold the image',
  already_there: 'it is there already',
  conflict: 'another snapshot stands under this number',
  no_room: 'it has no room',
  busy: 'it takes nothing now',
  unreachable: 'it cannot be asked',
};

/** What a send would meet. */
export function renderAccepts(reports: readonly AcceptReport[], view: View): string {
  const rows = reports.map(({ node, image, number, accepts, reason, error }): Cell[] => [
    node,
    image,
    number,
    accepts ? { text: 'yes', style: 'green' } : { text: 'no', style: error === null ? undefined : 'yellow' },
    error === null ? words[reason] : `${words[reason]}: ${error.message}`,
    error?.hint ?? '',
  ]);
  const titles = ['REPLICA', 'IMAGE', 'SNAPSHOT', 'ACCEPTS', 'WHY', 'HINT'];
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
    view,
  );
}
