/** A machine in the language of Graphviz. */
import {
  type Chart,
  type ChartEdge,
  type ChartEntry,
  type ChartState,
  type Diagram,
  chartOf,
} from './chart.js';
import { printable, timesText } from './strings.js';
import { describeEntry, shortEntry } from './words.js';

/** A string as Graphviz reads it; the lines stand below each other. */
function quote(...lines: readonly string[]): string {
  const escaped = lines.map((line) => printable(line).replaceAll('\\', '\\\\').replaceAll('"', '\\"'));
  return `"${escaped.join('\\n')}"`;
}

function attributes(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '' : ` [${pairs.join(', ')}]`;
}

function stateLine({ name, description, is_settled, is_current, visits }: ChartState, chart: Chart): string {
  const is_parked = is_current && chart.parked_reason !== '';
  const label = [
    visits > 1 ? `${name} ${timesText(visits)}` : name,
    ...(is_parked ? ['parked'] : is_current ? ['now'] : []),
  ];
  const look = {
    label: quote(...label),
    tooltip: quote(description),
    ...(is_settled ? { shape: 'oval' } : {}),
    ...(visits > 0 ? { color: '"#1d5bb8"', fillcolor: '"#e4eefb"' } : {}),
    ...(is_current ? { peripheries: '2', penwidth: '2.5', fillcolor: '"#b9d3f5"' } : {}),
  };
  return `  ${quote(name)}${attributes(look)};`;
}

function edgeLine({ from, to, labels, count, is_back }: ChartEdge): string {
  const lines = labels.map((label) =>
    label.count > 0 ? `${label.event} ${timesText(label.count)}` : label.event,
  );
  const look = {
    label: quote(...lines),
    ...(count > 0 ? { color: '"#1d5bb8"', fontcolor: '"#1d5bb8"', penwidth: '2.5' } : {}),
    ...(is_back ? { constraint: 'false' } : {}),
  };
  return `  ${quote(from)} -> ${quote(to)}${attributes(look)};`;
}

function entryLines(entry: ChartEntry): string[] {
  const name = quote(`to ${entry.to}`);
  const look = {
    shape: 'plaintext',
    style: '""',
    fontsize: '10',
    fontcolor: '"#6a7380"',
    label: quote(...shortEntry(entry)),
    tooltip: quote(...describeEntry(entry).split('\n')),
  };
  return [`  ${name}${attributes(look)};`, `  ${name} -> ${quote(entry.to)} [style=dashed];`];
}

/** A whole digraph. */
export function renderDot(diagram: Diagram): string {
  const chart = chartOf(diagram);
  const initial = chart.states.filter(({ is_initial }) => is_initial);
  return [
    `digraph ${quote(diagram.graph.kind)} {`,
    `  label=${quote(chart.title)};`,
    '  rankdir=TB;',
    '  node [shape=box, style="rounded,filled", fillcolor="#f5f6f8", color="#99a2b0", fontname="sans-serif"];',
    '  edge [color="#99a2b0", fontname="sans-serif", fontsize=10];',
    '  "" [shape=point];',
    ...initial.map(({ name }) => `  "" -> ${quote(name)};`),
    ...chart.states.map((state) => stateLine(state, chart)),
    ...chart.edges.map(edgeLine),
    ...chart.entries.flatMap(entryLines),
    '}',
    '',
  ].join('\n');
}
