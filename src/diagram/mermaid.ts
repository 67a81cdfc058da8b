/** A machine as a state diagram of Mermaid. */
import { type ChartEdge, type ChartEntry, type ChartState, type Diagram, chartOf } from './chart.js';
import { printable, timesText } from './strings.js';
import { shortEntry } from './words.js';

/** Mermaid reads entities with a `#`: what would end a label, or begin something else, is written so. */
function escape(text: string): string {
  return printable(text).replaceAll(/[#;:"<>{}[\]%`\\]/g, (character) => `#${character.charCodeAt(0)};`);
}

function stateLines({ name, is_initial, is_settled, visits }: ChartState, id: string): string[] {
  const label = visits > 1 ? `${name} ${timesText(visits)}` : name;
  return [
    `  state "${escape(label)}" as ${id}`,
    ...(is_initial ? [`  [*] --> ${id}`] : []),
    ...(is_settled ? [`  ${id} --> [*]`] : []),
  ];
}

/** All that has room beside an arrow, what was taken first. */
function edgeLabel({ labels }: ChartEdge): string {
  return labels.map(({ event, count }) => (count > 0 ? `${event} ${timesText(count)}` : event)).join(', ');
}

function entryLines(entry: ChartEntry, id: string): string[] {
  const lines = shortEntry(entry).map((line) => `    ${escape(line)}`);
  return [`  note right of ${id}`, ...lines, '  end note'];
}

/** A whole diagram, without the fence that it has in Markdown. */
export function renderMermaid(diagram: Diagram): string {
  const { title, states, edges, entries, parked_reason } = chartOf(diagram);
  const ids = new Map(states.map(({ name }, index) => [name, `s${index}`]));
  const idOf = (name: string): string => ids.get(name) ?? '';
  const of = (name: string, chosen: readonly ChartState[]): string[] =>
    chosen.length === 0 ? [] : [`  class ${chosen.map((state) => idOf(state.name)).join(',')} ${name}`];
  const here = states.filter(({ is_current }) => is_current);
  const visited = states.filter(({ visits, is_current }) => visits > 0 && !is_current);
  return [
    `%% ${printable(title)}`,
    'stateDiagram-v2',
    '  direction TB',
    ...states.flatMap((state) => stateLines(state, idOf(state.name))),
    ...edges.map((edge) => `  ${idOf(edge.from)} --> ${idOf(edge.to)} : ${escape(edgeLabel(edge))}`),
    ...entries.flatMap((entry) => entryLines(entry, idOf(entry.to))),
    '  classDef visited stroke:#1d5bb8,stroke-width:2px',
    '  classDef here stroke:#1d5bb8,stroke-width:5px,font-weight:bold',
    '  classDef parked stroke:#8a5300,stroke-width:5px,stroke-dasharray:5 3,font-weight:bold',
    ...of('visited', visited),
    ...of(parked_reason === '' ? 'here' : 'parked', here),
    '',
  ].join('\n');
}
