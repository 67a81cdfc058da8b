/** Histories as a timeline: when, what, from which state to which, why, and the work that ran meanwhile. */
import type { EffectRecord, EventRecord } from '../../core/records.js';
import type { HistoryReport } from '../../core/report.js';
import {
  describeCause,
  describeEvent,
  describeIntents,
  describeRefusals,
  eventName,
  kindsOf,
} from './event_words.js';
import type { Step } from './history_steps.js';
import { toSteps } from './history_steps.js';
import { nameOfTransfer } from './progress.js';
import { type Span, describeSpan, gutterAt, gutterBehind, toSpans } from './spans.js';
import { counted, pad, printable, widthOf } from './text.js';
import { shownState } from './transfer_states.js';
import { formatDate, formatDuration, formatOffset, formatTimeOfDay } from './units.js';
import { type Style, type View, styleOfState, styled } from './view.js';
import { wrap } from './wrap.js';

/** Why something happened stands beside it if there is so much room, else below it; columns. */
const beside_columns_min = 36;

interface Row {
  readonly step: Step;
  readonly seq: string;
  readonly time: string;
  readonly delta: string;
  readonly name: string;
  readonly state: string;
  readonly why: string;
}

interface Layout {
  readonly view: View;
  readonly spans: readonly Span[];
  readonly lanes: number;
  /** Of seq, time, delta, name with its gutter, and state. */
  readonly widths: readonly number[];
  /** Column at which names begin. */
  readonly indent: number;
  /** Room for why it happened beside the rest; null: no limit; 0: it stands below. */
  readonly beside: number | null;
}

function stateOf({ record, state_before }: Step): string {
  if (!record.handled) return `${record.state} (ignored)`;
  if (state_before === record.state) return record.state;
  if (state_before === '') return record.event.type === 'created' ? `new -> ${record.state}` : record.state;
  return `${state_before} -> ${record.state}`;
}

function whyOf({ record }: Step, kinds: ReadonlyMap<string, string>, spans: readonly Span[]): string {
  const { error } = record.event;
  const span = spans.find(({ end }) => end?.seq === record.seq);
  // What the span says already is not said again.
  const is_told = span?.effect.status === 'failed' && typeof error === 'object' && error !== null;
  const details = is_told ? '' : describeEvent(record);
  const parts = [
    describeCause(record.cause, kinds) + (details === '' ? '' : `: ${details}`),
    record.handled || record.ignored_reason === '' ? '' : `ignored because ${record.ignored_reason}`,
  ];
  return printable(parts.filter((part) => part !== '').join('; '));
}

function toRows(
  steps: readonly Step[],
  kinds: ReadonlyMap<string, string>,
  spans: readonly Span[],
  lanes: number,
): Row[] {
  return steps.map((step, index) => {
    const { record } = step;
    const before = steps[index - 1]?.record.at_ms;
    return {
      step,
      seq: String(record.seq),
      time: formatTimeOfDay(record.at_ms),
      delta: before === undefined ? '' : `+${formatDuration(record.at_ms - before)}`,
      name: gutterAt(spans, record.seq, lanes) + printable(eventName(record.event.type)),
      state: printable(stateOf(step)),
      why: whyOf(step, kinds, spans),
    };
  });
}

function layOut(rows: readonly Row[], spans: readonly Span[], lanes: number, view: View): Layout {
  const width = (key: 'seq' | 'time' | 'delta' | 'name' | 'state', title: string): number =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[key])));
  const widths = [
    width('seq', '#'),
    width('time', 'TIME'),
    width('delta', 'DELTA'),
    width('name', 'EVENT'),
    width('state', 'STATE'),
  ];
  const sum = (count: number): number => widths.slice(0, count).reduce((total, one) => total + one + 2, 0);
  const room = view.columns === null ? null : view.columns - sum(5);
  const beside = room !== null && room < beside_columns_min ? 0 : room;
  return { view, spans, lanes, widths, indent: sum(3), beside };
}

/** A row of cells, the last of them cut nowhere. */
function line(
  { widths, view }: Layout,
  cells: readonly string[],
  styles: readonly (Style | undefined)[],
): string {
  const parts = cells.map((cell, index) => {
    const align = index === 0 || index === 2 ? 'right' : 'left';
    const is_last = cells.slice(index + 1).every((text) => text === '');
    const text = is_last && align === 'left' ? cell : pad(cell, widths[index] ?? 0, align);
    return styled(text, styles[index], view);
  });
  return `${parts.join('  ').trimEnd()}\n`;
}

/** Below an event: what is told of it, in the column of the names. */
function below(layout: Layout, gutter: string, text: string, style: Style): string {
  const { view, indent } = layout;
  const lead = indent + widthOf(gutter);
  return wrap(printable(text), view.columns === null ? null : view.columns - lead)
    .map((part, index) => {
      // A corner is drawn once.
      const drawn = index === 0 ? gutter : gutter.replaceAll('┌', '│');
      return `${' '.repeat(indent)}${styled(drawn, 'dim', view)}${styled(part, style, view)}\n`;
    })
    .join('');
}

function renderStep(layout: Layout, row: Row): string {
  const { view, spans, lanes, beside, indent, widths } = layout;
  const { record } = row.step;
  const is_ignored = !record.handled;
  const style = is_ignored ? ('dim' as const) : undefined;
  const state_style = row.step.state_before === record.state ? undefined : styleOfState(record.state);
  const [first = '', ...more] = beside === 0 ? [] : wrap(row.why, beside);
  const cells = [row.seq, row.time, row.delta, row.name, row.state, first];
  let text = line(layout, cells, ['dim', style, 'dim', style, style ?? state_style, style]);
  const gutter = gutterBehind(spans, record.seq, lanes);
  const column = indent + (widths[3] ?? 0) + 2 + (widths[4] ?? 0) + 2;
  for (const part of more) {
    const lead = ' '.repeat(indent) + styled(gutter, 'dim', view);
    text += `${lead}${' '.repeat(column - indent - widthOf(gutter))}${styled(part, style, view)}\n`;
  }
  if (beside === 0) text += below(layout, gutter, row.why, 'dim');
  const refusals = is_ignored && record.ignored_reason !== '' ? '' : describeRefusals(record);
  for (const told of [refusals, describeIntents(record)]) {
    if (told !== '') text += below(layout, gutter, told, 'dim');
  }
  for (const span of spans.filter(({ effect }) => effect.seq === record.seq)) {
    const { text: words, style: span_style } = describeSpan(span, view.now_ms);
    text += below(layout, gutterBehind(spans, record.seq, lanes, span), words, span_style);
  }
  return text;
}

/** What is not shown of a history stays in its spans: they are made of all events. */
export interface Timeline {
  readonly events: readonly EventRecord[];
  readonly effects: readonly EffectRecord[];
  /** Which of the events to show; default: all. */
  readonly shown?: ReadonlySet<number>;
}

/** Every event of one actor, and the work that it started as spans from its begin to its end. */
export function renderTimeline({ events, effects, shown }: Timeline, view: View): string {
  if (events.length === 0) return 'no events\n';
  const spans = toSpans(events, effects);
  const lanes = Math.max(0, ...spans.map(({ lane }) => lane + 1));
  const steps = toSteps(events).filter(({ record }) => shown?.has(record.seq) ?? true);
  const rows = toRows(steps, kindsOf(effects), spans, lanes);
  const layout = layOut(rows, spans, lanes, view);
  const why_title = layout.beside === 0 ? '' : 'WHY';
  const titles = ['#', 'TIME', 'DELTA', `${'  '.repeat(lanes)}EVENT`, 'STATE', why_title];
  let text = line(layout, titles, ['dim', 'dim', 'dim', 'dim', 'dim', 'dim']);
  let date = '';
  let attempt = 0;
  for (const row of rows) {
    const { record } = row.step;
    const day = `${formatDate(record.at_ms)} ${formatOffset(record.at_ms)}`;
    if (day !== date) text += `${styled(day, 'dim', view)}\n`;
    date = day;
    if (row.step.attempt !== attempt && row.step.attempt > 0) {
      text += `${styled(`attempt ${row.step.attempt}`, 'bold', view)}\n`;
    }
    attempt = row.step.attempt;
    text += renderStep(layout, row);
  }
  return text;
}

/** `12 older events not shown: ...`; empty if there are none. */
export function describeOmitted(omitted: number): string {
  return omitted === 0 ? '' : `${counted(omitted, 'older event')} not shown: --limit\n`;
}

/** All that one transfer went through. @param shown which of its events; default: all */
export function renderHistory(
  { transfer, events, effects, omitted }: HistoryReport,
  view: View,
  shown?: ReadonlySet<number>,
): string {
  const state = shownState(transfer);
  const title = `transfer ${printable(transfer.id)}, ${nameOfTransfer(transfer)}: `;
  const end = styled(state, styleOfState(state), view);
  const timeline = renderTimeline({ events, effects, ...(shown === undefined ? {} : { shown }) }, view);
  const older = styled(describeOmitted(omitted), 'dim', view);
  return `${styled(title, 'bold', view)}${end}, ${printable(transfer.state_description)}\n${older}${timeline}`;
}
