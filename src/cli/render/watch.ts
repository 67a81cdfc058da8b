/** Transfers that somebody watches: each as a block that is drawn again and again, or as one line. */
import type { EventRecord, EffectRecord } from '../../core/records.js';
import type { TransferReport } from '../../core/report.js';
import { describeEvent, eventName } from './event_words.js';
import { toSteps } from './history_steps.js';
import { describeMoment, nameOfTransfer, progressCells, renderBar } from './progress.js';
import { renderRows } from './table.js';
import { counted, cut, pad, printable } from './text.js';
import { describeNext, shownState } from './transfer_states.js';
import { formatBytes, formatRelative, formatTimeOfDay } from './units.js';
import { type Style, type View, styleOfState, styled } from './view.js';

/** A transfer, and what happened to it last. */
export interface Watched {
  readonly transfer: TransferReport;
  /** The newest, oldest first. */
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
}

/** Lines of a block without its events: name, bar, what comes next, and an empty one. */
const frame_lines = 4;
const events_max = 8;

/** How many events of each transfer there is room for; null: not even for a block. */
export function eventsThatFit(transfers: number, rows: number): number | null {
  const room = Math.floor((rows - 1) / transfers) - frame_lines;
  return room < 2 ? null : Math.min(events_max, room);
}

/** Beside the bytes that move; an error that stands there instead is more important. */
function describeSafe(
  { checkpoint_bytes, checkpoint_at_ms, progress }: TransferReport,
  now_ms: number,
): string {
  if (checkpoint_bytes === null || checkpoint_bytes === 0 || progress === null) return '';
  const since = checkpoint_at_ms === null ? '' : ` ${formatRelative(checkpoint_at_ms, now_ms)}`;
  return `, ${formatBytes(checkpoint_bytes)} on its disk${since}`;
}

function eventLines({ events }: Watched, count: number): { text: string; style: Style | undefined }[] {
  const steps = toSteps(events).slice(-count);
  const width = Math.max(0, ...steps.map(({ record }) => eventName(record.event.type).length));
  return steps.map(({ record, state_before }) => {
    const change = state_before === record.state || state_before === '' ? '' : `${state_before} -> `;
    const state = record.handled ? `${change}${record.state}` : `${record.state} (ignored)`;
    const details = describeEvent(record);
    const name = pad(eventName(record.event.type), width);
    const text = `  ${formatTimeOfDay(record.at_ms)}  ${name}  ${state}${details === '' ? '' : `: ${details}`}`;
    return { text: printable(text), style: 'dim' };
  });
}

/** One transfer with its bar, what comes next, and the last `events` events of it. */
function renderBlock(watched: Watched, events: number, view: View): string {
  const { transfer } = watched;
  const state = shownState(transfer);
  const attempt = transfer.attempt > 1 ? `, attempt ${transfer.attempt}` : '';
  const style = styleOfState(state);
  const moment = describeMoment(transfer, view.now_ms);
  const lines: { text: string; style: Style | undefined }[] = [
    { text: `${transfer.id}  ${nameOfTransfer(transfer)}: ${state}${attempt}`, style: 'bold' },
    { text: `  ${renderBar(transfer)}  ${moment}${describeSafe(transfer, view.now_ms)}`, style },
    ...eventLines(watched, events),
    { text: `  next: ${describeNext(transfer, view.now_ms)}`, style: undefined },
  ];
  return lines
    .map(
      ({ text, style: one }) => `${styled(cut(printable(text), view.columns ?? text.length), one, view)}\n`,
    )
    .join('');
}

/** All that are watched, in at most `rows` lines; no line is longer than the view. */
export function renderWatched(watched: readonly Watched[], rows: number, view: View): string {
  const events = eventsThatFit(watched.length, rows);
  if (events !== null) return watched.map((one) => renderBlock(one, events, view)).join('\n');
  const over = (one: Watched): number => Number(one.transfer.settled);
  const sorted = watched.toSorted((one, other) => over(one) - over(other));
  const room = Math.max(1, rows - 2);
  const shown = watched.length <= room ? watched : sorted.slice(0, room);
  const cells = shown.map(({ transfer }) => progressCells(transfer, view.now_ms, { bar: true }));
  const more = watched.length - shown.length;
  return renderRows(cells, view) + (more > 0 ? `and ${counted(more, 'more transfer')}\n` : '');
}
