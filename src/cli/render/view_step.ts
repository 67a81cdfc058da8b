/** One step of an export, and the list of all. */
import type { ExportFile } from '../../core/export_file.js';
import type { ContextChange, InspectedStep, StepsReport } from '../../core/machine_report.js';
import { eventName } from '../../core/path.js';
import type { EffectRecord, EventCause, IntentRecord } from '../../core/records.js';
import { type Cell, renderRows } from './table.js';
import { counted, cut, pad, printable, widthOf } from './text.js';
import { formatDuration, formatTime, formatTimeOfDay } from './units.js';
import { type View, styleOfState, styled } from './view.js';

/** An export with its steps. */
export interface Viewed {
  readonly file: ExportFile;
  readonly report: StepsReport;
}

/** A name, and one or more lines of what stands under it. */
type Section = readonly [name: string, lines: readonly Cell[]];

function causeWithIds(cause: EventCause): string {
  switch (cause.kind) {
    case 'operator':
      return `operator ${cause.who}`;
    case 'peer':
      return `message ${cause.message} of ${cause.node}`;
    case 'timer':
      return `timer ${eventName(cause.timer)}`;
    case 'effect':
      return `effect ${cause.effect}`;
    case 'actor':
      return `${cause.actor}, its event ${cause.seq}`;
    case 'daemon':
      return `the daemon: ${cause.what}`;
    default:
      return cause satisfies never;
  }
}

function endOfEffect(effect: EffectRecord | undefined): string {
  if (effect === undefined) return '';
  const { status, started_at_ms, ended_at_ms, error } = effect;
  const took = ended_at_ms === null ? '' : ` after ${formatDuration(ended_at_ms - started_at_ms)}`;
  const why = error === null ? '' : `: ${error.message} [${error.code}]`;
  return `: ${status === 'running' ? 'still ran at the export' : `${status}${took}`}${why}`;
}

function intentInWords(intent: IntentRecord, step: InspectedStep, effects: readonly EffectRecord[]): string {
  switch (intent.type) {
    case 'effect':
      return `start ${intent.kind} (${intent.effect})${endOfEffect(effects.find(({ id }) => id === intent.effect))}`;
    case 'stop':
      return `stop ${intent.kind}${intent.effects.length === 0 ? ': none ran' : ` (${intent.effects.join(', ')})`}`;
    case 'tell':
      return `tell ${intent.to}: ${intent.event}`;
    case 'spawn':
      return `make ${intent.actor}`;
    case 'message':
      return `message ${intent.message} to ${intent.to} on ${intent.peer}: ${intent.event}`;
    case 'timer':
      return `timer ${eventName(intent.timer)} in ${formatDuration(intent.due_at_ms - step.at_ms)}`;
    case 'cancel_timer':
      return `no more timer ${eventName(intent.timer)}`;
    default:
      return intent satisfies never;
  }
}

/** A value in one line. */
const inline = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

function changeInWords({ path, before, after }: ContextChange): string {
  if (before === undefined) return `${path}: ${inline(after)}`;
  return `${path}: ${inline(before)} -> ${after === undefined ? 'gone' : inline(after)}`;
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** Fields with their paths, one a line; lists stay whole. */
function leaves(value: unknown, path = ''): (readonly [path: string, value: unknown])[] {
  if (!isFields(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(inner, path === '' ? name : `${path}.${name}`),
  );
}

function contextLines({ context, changes }: InspectedStep): Cell[] {
  if (context === null) return [{ text: 'not known: a machine of another version did this', style: 'dim' }];
  const isChanged = (path: string): boolean =>
    changes.some((change) => path === change.path || path.startsWith(`${change.path}.`));
  const fields = leaves(context);
  const width = Math.min(28, Math.max(...fields.map(([path]) => widthOf(path))));
  return fields.map(([path, value]) => {
    const is_changed = isChanged(path);
    const text = `${is_changed ? '* ' : '  '}${pad(path, width)}  ${inline(value)}`;
    return is_changed ? { text, style: 'bold' } : text;
  });
}

/** What an event carries besides its type and time; a snapshot is shown as the context already. */
function payload({ event }: InspectedStep): string[] {
  const { type: _type, at_ms: _at_ms, snapshot: _snapshot, ...carried } = event;
  return Object.keys(carried).length === 0
    ? []
    : leaves(carried).map(([path, value]) => `${path}: ${inline(value)}`);
}

function outcome(step: InspectedStep): Cell {
  const { handled, ignored_reason, state_before, state } = step;
  if (!handled)
    return { text: `${state}; ignored: ${ignored_reason || 'no reason is kept'}`, style: 'yellow' };
  if (state_before === state) return `${state} (stays)`;
  const text = state_before === '' ? state : `${state_before} -> ${state}`;
  return { text, style: styleOfState(state) };
}

function sectionsOf(step: InspectedStep, { file, report }: Viewed): Section[] {
  const departs = report.departure?.seq === step.seq ? report.departure.reason : '';
  const is_first = step.seq === 1;
  return [
    ['departs', departs === '' ? [] : [{ text: departs, style: 'red' }]],
    ['event', [{ text: eventName(step.event.type), style: 'bold' }]],
    ['carries', payload(step)],
    ['cause', [causeWithIds(step.cause)]],
    ['state', [outcome(step)]],
    ['attempt', step.attempt === 0 ? [] : [String(step.attempt)]],
    ['guards', step.guards.map(({ guard, passed }) => `${guard}: ${passed ? 'yes' : 'no'}`)],
    ['asked for', step.intents.map((intent) => intentInWords(intent, step, file.effects))],
    // Of the first, all is new: it stands below.
    ['changed', is_first ? [] : step.changes.map(changeInWords)],
    ['context', contextLines(step)],
  ];
}

function renderSections(sections: readonly Section[], view: View): string {
  const rows = sections.flatMap(([name, lines]) =>
    lines.map((line, index): Cell[] => [
      // As wide as the longest, so that nothing moves from step to step.
      { text: pad(index === 0 ? name : '', 'asked for'.length), style: 'dim' },
      line,
    ]),
  );
  return renderRows(rows, view);
}

/** What the actor is about: `transfer 17-3fa9, vm1/3 to replica2`. */
function titleOf({ actor }: ExportFile): string {
  const { image, snapshot, replica } = actor.labels;
  const name = `${actor.kind} ${actor.id}`;
  if (image === undefined || snapshot === undefined) return name;
  return `${name}, ${image}/${snapshot}${replica === undefined ? '' : ` to ${replica}`}`;
}

const line = (text: string, view: View): string =>
  view.columns === null ? printable(text) : cut(printable(text), view.columns);

/** Of which actor an export is, where it is from, and how it stood. */
export function renderOrigin({ file }: Viewed, view: View): string {
  const { actor, machine, node, program_version, exported_at_ms } = file;
  const state = actor.status === 'parked' ? `parked in ${actor.state}: ${actor.parked_reason}` : actor.state;
  const from = `${formatTime(exported_at_ms)} from ${node}, icbdrep ${program_version}`;
  const title = styled(line(titleOf(file), view), 'bold', view);
  return `${title}\n${line(`exported ${from}, machine version ${machine.version}; then ${state}`, view)}\n`;
}

/** Whether the history adds up; empty if there is nothing to say. */
export function renderVerdict({ report }: Viewed, view: View): string {
  const { departure, not_folded } = report;
  const verdicts = [
    departure === null
      ? ''
      : styled(line(`departs at event ${departure.seq}: ${departure.reason}`, view), 'red', view),
    not_folded === '' ? '' : styled(line(`not all could be done again: ${not_folded}`, view), 'yellow', view),
  ];
  return verdicts.map((verdict) => (verdict === '' ? '' : `${verdict}\n`)).join('');
}

/** All that is known of one step. */
export function renderStep(viewed: Viewed, index: number, view: View): string {
  const { steps } = viewed.report;
  const step = steps[index];
  if (step === undefined) return '';
  const previous = steps[index - 1];
  const delta = previous === undefined ? '' : `  +${formatDuration(step.at_ms - previous.at_ms)}`;
  const place = `step ${step.seq} of ${steps.at(-1)?.seq ?? 0}`;
  const head = `${place}  ${formatTime(step.at_ms)}${delta}`;
  return `${styled(line(head, view), 'bold', view)}\n${renderSections(sectionsOf(step, viewed), view)}`;
}

/** The cells of a step's line in the list of all. */
export function stepCells(step: InspectedStep, { report }: Viewed): Cell[] {
  const { handled, changes } = step;
  const changed = changes.length === 0 || step.seq === 1 ? '' : `changes ${pathsOf(changes)}`;
  const departs = report.departure?.seq === step.seq ? 'DEPARTS ' : '';
  return [
    String(step.seq).padStart(4),
    formatTimeOfDay(step.at_ms),
    eventName(step.event.type),
    handled ? outcome(step) : { text: `${step.state} (ignored)`, style: 'dim' },
    departs === '' ? { text: changed, style: 'dim' } : { text: `${departs}${changed}`, style: 'red' },
  ];
}

function pathsOf(changes: readonly ContextChange[]): string {
  const names = [...new Set(changes.map(({ path }) => path.split('.')[0] ?? ''))];
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}

/** One line for each step, and the last one whole. */
export function renderView(viewed: Viewed, view: View): string {
  const { steps } = viewed.report;
  const list = renderRows(
    steps.map((step) => stepCells(step, viewed)),
    view,
  );
  const title = styled(counted(steps.length, 'step'), 'bold', view);
  const last = renderStep(viewed, steps.length - 1, view);
  return `${renderOrigin(viewed, view)}\n${title}\n${list}\n${last}${renderVerdict(viewed, view)}`;
}

/** One step with where it is from. */
export function renderViewAt(viewed: Viewed, index: number, view: View): string {
  return `${renderOrigin(viewed, view)}\n${renderStep(viewed, index, view)}${renderVerdict(viewed, view)}`;
}
