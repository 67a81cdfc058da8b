import type { TransferReport } from '../../core/report.js';
import { describeProgress, nameOfTransfer, renderBar } from './progress.js';
import { type Cell, renderFields } from './table.js';
import { describeNext, shownState } from './transfer_states.js';
import { formatBytes, formatDuration, formatRelative, formatTime } from './units.js';
import { type View, styleOfState } from './view.js';

function describeResult(transfer: TransferReport): string {
  if (transfer.state !== 'completed') return '';
  if (transfer.already_there) return 'the replica held the snapshot before; nothing was sent';
  const took = formatDuration(transfer.updated_at_ms - transfer.created_at_ms);
  return `${formatBytes(transfer.stream_bytes ?? 0)} in ${took}, from the request to the end`;
}

function describeParent(transfer: TransferReport): string {
  if (transfer.plan_reason === '') return transfer.parent ?? '';
  const kind = transfer.parent === null ? 'none, sent in full' : `${transfer.parent}, sent as an increment`;
  return `${kind}: ${transfer.plan_reason}`;
}

function describeStream(transfer: TransferReport): string {
  const version = transfer.stream_version === null ? '' : `version ${transfer.stream_version}`;
  const codec = transfer.codec === null ? '' : `codec ${transfer.codec}`;
  const way = transfer.ssh ? 'through ssh' : '';
  return [version, codec, way].filter((part) => part !== '').join(', ');
}

function describeMeter(transfer: TransferReport): Cell {
  const text = describeProgress(transfer);
  if (text === '') return '';
  const on_link = `${formatBytes(transfer.progress?.link_bytes ?? 0)} on the link`;
  return `${renderBar(transfer)}  ${text} (${on_link})`;
}

/** What did not have to be sent again, and what would not have to be. */
function describeResumption({ resumed_bytes, link_losses, checkpoint_bytes }: TransferReport): string {
  const parts = [
    resumed_bytes === 0 ? '' : `went on at ${formatBytes(resumed_bytes)} of the stream`,
    link_losses === 0 ? '' : `the link was lost ${link_losses === 1 ? 'once' : `${link_losses} times`}`,
    checkpoint_bytes === null || checkpoint_bytes === 0 ? '' : `${formatBytes(checkpoint_bytes)} are on disk`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** All about one transfer, on one screen. */
export function renderTransfer(transfer: TransferReport, view: View): string {
  const state = shownState(transfer);
  const { last_error, failures } = transfer;
  const counted_failures = failures === 0 ? '' : `, ${failures} failed in a row`;
  const time = (at_ms: number): string => `${formatTime(at_ms)} (${formatRelative(at_ms, view.now_ms)})`;
  const fields: [string, Cell][] = [
    ['transfer', transfer.id],
    ['what', { text: `snapshot ${nameOfTransfer(transfer)}`, style: 'bold' }],
    ['state', { text: `${state}: ${transfer.state_description}`, style: styleOfState(state) }],
    ['parked because', { text: transfer.parked_reason, style: 'red' }],
    ['progress', describeMeter(transfer)],
    ['result', describeResult(transfer)],
    ['parent', describeParent(transfer)],
    ['stream', describeStream(transfer)],
    ['stream hash', transfer.hash === '' ? '' : `${transfer.hash} (XXH3), the same on both sides`],
    ['resumption', describeResumption(transfer)],
    ['attempts', `${transfer.attempt}${counted_failures}`],
    [
      'last error',
      last_error === null ? '' : { text: `${last_error.message} [${last_error.code}]`, style: 'red' },
    ],
    [
      'during',
      last_error === null
        ? ''
        : [last_error.operation, last_error.subject].filter((part) => part !== '').join(' of '),
    ],
    ['hint', last_error?.hint ?? ''],
    ['next', describeNext(transfer, view.now_ms)],
    ['requested', time(transfer.created_at_ms)],
    ['last change', time(transfer.updated_at_ms)],
  ];
  return renderFields(fields, view);
}
