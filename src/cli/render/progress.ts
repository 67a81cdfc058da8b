import type { TransferReport } from '../../core/report.js';
import type { Cell } from './table.js';
import { printable } from './text.js';
import { shownState } from './transfer_states.js';
import { formatBytes, formatDuration, formatPercent, formatRate, formatRelative } from './units.js';
import { styleOfState } from './view.js';

const bar_columns = 20;

/** For example `vm1/3 to replica1`. */
export function nameOfTransfer({ image, number, replica }: TransferReport): string {
  return printable(`${image}/${number} to ${replica}`);
}

/** Bytes, percent, rate and time left, for as much of it as is known; empty if nothing runs. */
export function describeProgress(transfer: TransferReport): string {
  const { progress } = transfer;
  if (progress === null) return '';
  const { stream_bytes, total_bytes, rate_bytes_per_s, eta_s } = progress;
  const amount =
    total_bytes === null
      ? formatBytes(stream_bytes)
      : `${formatBytes(stream_bytes)} of ${formatBytes(total_bytes)}`;
  return [
    amount,
    formatPercent(stream_bytes, total_bytes),
    rate_bytes_per_s > 0 ? formatRate(rate_bytes_per_s) : '',
    eta_s === null ? '' : `ETA ${formatEta(eta_s)}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Whole seconds: it is a guess. */
function formatEta(eta_s: number): string {
  return eta_s < 60 ? `${Math.ceil(eta_s)} s` : formatDuration(eta_s * 1_000);
}

/** What stands before the last error: whether it is why nothing moves, or is past. */
function leadOf(state: string, next_at_ms: number | null, now_ms: number): string {
  if (state === 'resting')
    return next_at_ms === null ? '' : `tries again ${formatRelative(next_at_ms, now_ms)}: `;
  return ['failed', 'queued', 'disconnected', 'starting_over'].includes(state) ? '' : 'before: ';
}

/** What can be said of a transfer in a few words: its progress, result, error or next step. */
export function describeMoment(transfer: TransferReport, now_ms: number): string {
  const { state, parked_reason, last_error, next_at_ms, already_there, stream_bytes } = transfer;
  if (parked_reason !== '') return printable(parked_reason);
  if (state === 'completed') {
    if (already_there) return 'was there already';
    return stream_bytes === null ? '' : formatBytes(stream_bytes);
  }
  const progress = describeProgress(transfer);
  if (progress !== '') return progress;
  if (last_error === null) return '';
  return printable(`${leadOf(state, next_at_ms, now_ms)}${last_error.message} [${last_error.code}]`);
}

/** States in which all bytes have been sent. */
const after_sending = new Set(['confirming', 'publishing', 'completed']);

/** `━━━━━━──────`: how much is sent; no part of it while the total is not known. */
export function renderBar({ progress, state }: TransferReport): string {
  const total_bytes = progress?.total_bytes ?? 0;
  const part = total_bytes <= 0 ? 0 : Math.min(1, (progress?.stream_bytes ?? 0) / total_bytes);
  const filled = after_sending.has(state) ? bar_columns : Math.floor(part * bar_columns);
  return '━'.repeat(filled) + '─'.repeat(bar_columns - filled);
}

/** Cells of one line about a transfer that somebody waits for. */
export function progressCells(transfer: TransferReport, now_ms: number, options: { bar: boolean }): Cell[] {
  const state = shownState(transfer);
  return [
    nameOfTransfer(transfer),
    { text: state, style: styleOfState(state) },
    ...(options.bar ? [{ text: renderBar(transfer), style: styleOfState(state) }] : []),
    transfer.attempt > 1 ? `attempt ${transfer.attempt}` : '',
    describeMoment(transfer, now_ms),
  ];
}
