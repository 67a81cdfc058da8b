/** A machine for a terminal: readable without colours, no line longer than asked for. */
import type { GraphTransition } from '../core/machine_report.js';
import { type ChartState, type Diagram, chartOf } from './chart.js';
import { printable, timesText, withArticle, wrapped } from './strings.js';

const columns_default = 80;
/** Stands before the state that it is in. */
const here_mark = '>';

interface Page {
  readonly columns: number;
  readonly diagram: Diagram;
  readonly states: readonly ChartState[];
  /** Of the column with the names. */
  readonly name_columns: number;
}

const counted = (text: string, count: number): string => (count > 1 ? `${text} ${timesText(count)}` : text);

/** A name, and beside it all the lines that belong to it. */
function beside(page: Page, mark: string, name: string, texts: readonly string[]): string[] {
  const indent = page.name_columns + 4;
  const lines = texts.flatMap((text) => wrapped(text, page.columns - indent));
  const head = `${mark.padEnd(2)}${name.padEnd(page.name_columns)}  `;
  if (lines.length === 0) return [head.trimEnd()];
  return lines.map((line, index) => (index === 0 ? head : ' '.repeat(indent)) + line);
}

/** `plan.failed -> resting or failed`: the same events that lead to several states stand together. */
function exitsOf(transitions: readonly GraphTransition[]): string[] {
  const targets = new Map<string, string[]>();
  for (const target of new Set(transitions.map(({ to }) => to))) {
    const events = transitions.filter(({ to }) => to === target).map(({ event }) => event);
    const key = [...new Set(events)].join(', ');
    targets.set(key, [...(targets.get(key) ?? []), target]);
  }
  return [...targets].map(([events, names]) => {
    const last = names.at(-1) ?? '';
    return `${events} -> ${names.length === 1 ? last : `${names.slice(0, -1).join(', ')} or ${last}`}`;
  });
}

function moving({ diagram }: Page, from: string, is_common: boolean): GraphTransition[] {
  return diagram.graph.transitions.filter(
    (transition) => transition.from === from && transition.to !== from && transition.is_common === is_common,
  );
}

/** What the actor did in a state, and where it went from there. */
function visitedLines(page: Page, state: ChartState): string[] {
  const { name, visits, stayed, is_current, description } = state;
  const ways = page.diagram.path
    .filter(({ from, to }) => from === name && to !== name)
    .map(({ to, event, count }) => `${counted(event, count)} -> ${to}`);
  return beside(page, is_current ? here_mark : '', counted(name, visits), [
    ...ways,
    ...(stayed > 0 ? [`(stayed with ${stayed} other event${stayed === 1 ? '' : 's'})`] : []),
    ...(is_current
      ? [`${page.diagram.parked_reason === '' ? 'it is here now' : 'it is parked here'}: ${description}`]
      : []),
  ]);
}

/** What can happen next, whether somebody asks for it or not. */
function followLines({ columns }: Page, next: readonly GraphTransition[]): string[] {
  if (next.length === 0) return ['  nothing can follow'];
  return ['  can follow:', ...exitsOf(next).flatMap((exit) => wrapped(`    ${exit}`, columns, 2))];
}

function wayLines(page: Page): string[] {
  const { diagram, states, columns } = page;
  const order = Object.keys(diagram.visits);
  const visited = states
    .filter(({ visits, is_current }) => visits > 0 || is_current)
    .toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  const rest = states.filter((state) => !visited.includes(state)).map(({ name }) => name);
  const next = [...moving(page, diagram.state, false), ...moving(page, diagram.state, true)];
  const { parked_reason } = diagram;
  return [
    ...visited.flatMap((state) => visitedLines(page, state)),
    '',
    ...(parked_reason === '' ? followLines(page, next) : wrapped(`  parked: ${parked_reason}`, columns, 2)),
    ...(rest.length === 0 ? [] : ['', ...wrapped(`  never visited: ${rest.join(', ')}`, columns, 2)]),
  ];
}

/** All states and what leads out of them. */
function machineLines(page: Page): string[] {
  const { states, diagram, columns } = page;
  const common = diagram.graph.transitions.filter(({ is_common, from, to }) => is_common && from !== to);
  const legend = [
    'o  begins here',
    '*  settled: nothing happens in it by itself',
    ...(common.length === 0
      ? []
      : [`In every state that does not say otherwise: ${exitsOf(common).join('; ')}`]),
  ];
  return [
    ...states.flatMap((state) => {
      const mark = state.is_initial ? 'o' : state.is_settled ? '*' : '';
      const exits = exitsOf(moving(page, state.name, false));
      return [
        ...beside(page, mark, state.name, [state.description, ...exits.map((exit) => `  ${exit}`)]),
        '',
      ];
    }),
    ...legend.flatMap((line) => wrapped(line, columns, 2)),
  ];
}

export interface TextOptions {
  /** Default: 80. */
  readonly columns?: number;
  /** What the actor is called; default: its kind alone. */
  readonly name?: string;
}

/** The way that an actor took, state by state; of a machine without an actor all that it can do. */
export function renderText(diagram: Diagram, { columns = columns_default, name }: TextOptions = {}): string {
  const { states } = chartOf(diagram);
  const { graph, state, parked_reason } = diagram;
  const names = states.map((each) => counted(each.name, each.visits).length);
  const page: Page = { columns, diagram, states, name_columns: Math.max(...names) };
  const is_bare = state === '';
  const what = `${graph.kind}${name === undefined ? '' : ` ${name}`}`;
  const title = is_bare
    ? `the machine of ${withArticle(graph.kind)}, version ${graph.version}, ${states.length} states`
    : `${what}: ${state}${parked_reason === '' ? '' : ', parked'}`;
  const lines = [...wrapped(title, columns), '', ...(is_bare ? machineLines(page) : wayLines(page))];
  return `${lines.map((line) => printable(line).trimEnd()).join('\n')}\n`;
}
