import type { EffectRecord, EventCause, EventRecord } from '../../core/records.js';
import type { HistoryReport } from '../../core/report.js';
import { nameOfTransfer } from './progress.js';
import { type Cell, renderRows } from './table.js';
import { printable } from './text.js';
import { shownState } from './transfer_states.js';
import { formatBytes, formatDate, formatDuration, formatOffset, formatTimeOfDay } from './units.js';
import { type View, styleOfState, styled } from './view.js';

/** Why an event happened, in words. */
export function describeCause(cause: EventCause): string {
  switch (cause.kind) {
    case 'operator':
      return `operator ${cause.who}`;
    case 'peer':
      return `${cause.node} said so, message ${cause.message}`;
    case 'timer':
      return 'a timer';
    case 'effect':
      return `effect ${cause.effect.split('/').at(-1) ?? cause.effect}`;
    case 'actor':
      return `${cause.actor}, its event ${cause.seq}`;
    case 'daemon':
      return `the daemon: ${cause.what}`;
    default:
      return cause satisfies never;
  }
}

/** What an event carries that says more than its type: an error or a reason. */
function describeEvent({ event }: EventRecord): string {
  const { error, reason, offset_bytes, is_live, checkpoint, round_trip_ms, transfer } = event;
  if (typeof offset_bytes === 'number') {
    const live = is_live === true ? ', and btrfs send still ran' : '';
    return offset_bytes === 0
      ? `from the beginning${live}`
      : `goes on at ${formatBytes(offset_bytes)}${live}`;
  }
  if (typeof checkpoint === 'object' && checkpoint !== null && 'offset_bytes' in checkpoint) {
    return `${formatBytes(Number(checkpoint.offset_bytes))} are on disk`;
  }
  if (typeof error === 'object' && error !== null && 'message' in error) {
    const code = 'code' in error ? ` [${String(error.code)}]` : '';
    return `${String(error.message)}${code}`;
  }
  if (typeof reason === 'string') return reason;
  if (typeof round_trip_ms === 'number') return `answered after ${formatDuration(round_trip_ms)}`;
  if (typeof transfer === 'string') return `transfer ${transfer}`;
  return '';
}

function describeEffect(effect: EffectRecord): string {
  const { status, started_at_ms, ended_at_ms, error } = effect;
  const took = ended_at_ms === null ? '' : ` after ${formatDuration(ended_at_ms - started_at_ms)}`;
  const ended = ended_at_ms === null ? '' : ` at ${formatTimeOfDay(ended_at_ms)}`;
  if (status === 'running') return 'runs';
  if (status === 'lost') return 'lost: the daemon ended while it ran';
  if (status === 'stopped') return `stopped${took}${ended}: no longer wanted`;
  const why = error === null ? '' : `: ${error.message} [${error.code}]`;
  return `${status}${took}${ended}${why}`;
}

interface Step {
  readonly record: EventRecord;
  readonly state_before: string;
  /** Number of the attempt that begins with it; null: none does. */
  readonly new_attempt: number | null;
}

/** Each attempt begins with one of these. */
const planning_states = new Set(['planning', 'starting_over']);

/** Each event with the state before it, and where attempts begin: at each planning, or each offer of the master. */
export function toSteps(events: readonly EventRecord[]): Step[] {
  let state_before = '';
  let attempt = 0;
  return events.map((record) => {
    const begins_here = planning_states.has(record.state) && state_before !== record.state;
    const { attempt: offered } = record.event;
    const is_offered =
      record.handled && record.event.type === 'transfer.offer' && typeof offered === 'number';
    let new_attempt: number | null = null;
    if (begins_here) new_attempt = attempt + 1;
    else if (is_offered && offered > attempt) new_attempt = offered;
    attempt = new_attempt ?? attempt;
    const step = { record, state_before, new_attempt };
    state_before = record.state;
    return step;
  });
}

function stateCell({ record, state_before }: Step): Cell {
  if (!record.handled) return { text: `${record.state} (ignored)`, style: 'dim' };
  if (state_before === record.state) return record.state;
  const text = state_before === '' ? record.state : `${state_before} -> ${record.state}`;
  return { text, style: styleOfState(record.state) };
}

function stepRows(step: Step, previous_at_ms: number | null, effects: readonly EffectRecord[]): Cell[][] {
  const { record } = step;
  const delta = previous_at_ms === null ? '' : `+${formatDuration(record.at_ms - previous_at_ms)}`;
  const details = describeEvent(record);
  const cause = describeCause(record.cause) + (details === '' ? '' : `: ${details}`);
  return [
    [
      String(record.seq),
      formatTimeOfDay(record.at_ms),
      delta,
      eventName(record.event.type),
      stateCell(step),
      cause,
    ],
    ...effects.map((effect): Cell[] => [
      '',
      '',
      '',
      { text: `  starts ${effect.kind}`, style: 'dim' },
      '',
      { text: describeEffect(effect), style: effect.status === 'failed' ? 'red' : 'dim' },
    ]),
  ];
}

const heading = (text: string): Cell[] => ['', '', '', { text, style: 'bold' }, '', ''];
/** xstate names a timer's event `xstate.after.NAME.machine.state`. */
function eventName(type: string): string {
  const [, timer] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  return timer === undefined ? type : `${timer} is over`;
}

const titles: Cell[] = ['#', 'TIME', 'DELTA', 'EVENT', 'STATE', 'CAUSE'].map((text) => ({
  text,
  style: 'dim',
}));

/** Every step of one actor: when, what, why, from which state to which, and the work that it started. */
export function renderTimeline(
  { events, effects }: Pick<HistoryReport, 'events' | 'effects'>,
  view: View,
): string {
  const rows: Cell[][] = [titles];
  let date = '';
  let previous_at_ms: number | null = null;
  for (const step of toSteps(events)) {
    const { seq, at_ms } = step.record;
    const day = `${formatDate(at_ms)} ${formatOffset(at_ms)}`;
    if (day !== date)
      rows.push([
        '',
        { text: day.slice(0, 10), style: 'dim' },
        { text: day.slice(11), style: 'dim' },
        '',
        '',
        '',
      ]);
    date = day;
    if (step.new_attempt !== null) rows.push(heading(`attempt ${step.new_attempt}`));
    rows.push(
      ...stepRows(
        step,
        previous_at_ms,
        effects.filter((effect) => effect.seq === seq),
      ),
    );
    previous_at_ms = at_ms;
  }
  return renderRows(rows, view);
}

/** All that one transfer went through. */
export function renderHistory({ transfer, events, effects }: HistoryReport, view: View): string {
  const state = shownState(transfer);
  const title = `transfer ${printable(transfer.id)}, ${nameOfTransfer(transfer)}: `;
  const end = styled(state, styleOfState(state), view);
  const steps = renderTimeline({ events, effects }, view);
  return `${styled(title, 'bold', view)}${end}, ${printable(transfer.state_description)}\n${steps}`;
}
