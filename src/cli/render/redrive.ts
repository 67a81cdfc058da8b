/** What a redrive of many transfers did, or would do. */
import type { RedriveReport } from '../../core/verbs.js';
import { renderTable } from './table.js';
import { counted } from './text.js';
import { formatDuration } from './units.js';
import { type View, styleOfState } from './view.js';

/** Those that begin within this time begin now, ms. */
const now_window_ms = 1_000;

function startOf({ starts_at_ms, result }: RedriveReport, view: View): string {
  if (result === 'refused') return '';
  const wait_ms = starts_at_ms - view.now_ms;
  return wait_ms < now_window_ms ? 'now' : `in ${formatDuration(wait_ms)}`;
}

function totalsOf(reports: readonly RedriveReport[], view: View): string {
  const taken = reports.filter(({ result }) => result !== 'refused');
  const refused = reports.length - taken.length;
  const is_dry = taken.some(({ result }) => result === 'would be redriven');
  const last = taken.at(-1);
  const starts = last === undefined ? '' : startOf(last, view);
  const when = starts === '' || starts === 'now' ? '' : `, the last begins ${starts}`;
  const parts = [
    ...(taken.length === 0
      ? []
      : [`${counted(taken.length, 'transfer')} ${is_dry ? 'would be redriven' : 'redriven'}${when}`]),
    ...(refused === 0 ? [] : [`${refused} refused`]),
  ];
  return `${parts.join('; ')}${is_dry ? '; nothing was done: leave out --dry-run to do it' : ''}\n`;
}

export function renderRedrive(reports: readonly RedriveReport[], view: View): string {
  if (reports.length === 0) return 'nothing to redrive: no transfer fits\n';
  const rows = reports.map((report) => [
    report.transfer,
    report.image,
    report.number,
    report.replica,
    { text: report.state, style: styleOfState(report.state) },
    startOf(report, view),
    { text: report.result, style: styleOfState(report.result === 'refused' ? 'failed' : 'queued') },
    report.reason,
  ]);
  const columns = [
    { title: 'ID' },
    { title: 'IMAGE' },
    { title: 'NUMBER', align: 'right' as const },
    { title: 'REPLICA' },
    { title: 'STATE' },
    { title: 'BEGINS' },
    { title: 'RESULT' },
    { title: 'WHY' },
  ];
  return `${renderTable(columns, rows, view)}\n${totalsOf(reports, view)}`;
}
