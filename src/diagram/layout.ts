/**
 * Where everything of a chart stands, px.
 *
 * States stand below each other in the order in which the machine's definition has them: an edge that leads back is
 * turned round for the layout, so that a loop does not turn the machine upside down.
 */
import { Graph, layout as dagreLayout } from '@dagrejs/dagre';
import type { Chart, ChartEdge, ChartEntry, ChartState } from './chart.js';
import { type Box, type Point, roomFor, withPorts } from './ports.js';
import { timesText } from './words.js';

export interface PlacedState extends ChartState {
  readonly box: Box;
}

export interface PlacedEdge extends ChartEdge {
  /** From the rim of one state to that of the other. */
  readonly points: readonly Point[];
  readonly label_box: Box;
  /** What its label says, line by line. */
  readonly lines: readonly LabelLine[];
}

export interface PlacedEntry extends ChartEntry {
  readonly box: Box;
  readonly points: readonly Point[];
  readonly lines: readonly LabelLine[];
}

export interface LabelLine {
  readonly text: string;
  /** How often it was taken. */
  readonly count: number;
}

export interface ChartLayout {
  readonly chart: Chart;
  readonly width: number;
  readonly height: number;
  readonly states: readonly PlacedState[];
  readonly edges: readonly PlacedEdge[];
  readonly entries: readonly PlacedEntry[];
}

export const font_px = { state: 14, label: 11.5 } as const;
export const line_px = 15;
/** Mean width of a character, as a part of the size of the font: wide enough for every sans serif. */
const character_em = 0.58;
/** Lines of an edge's label; more are counted. */
const lines_max = 3;
/** Names of two events stand beside each other if they are not longer. */
const entry_characters_max = 30;
/** Between states, between edges, and between rows with the labels of edges in their middle. */
const distances_px = { nodesep: 26, edgesep: 16, ranksep: 60 } as const;
const state_height_px = 36;
const state_padding_px = 54;
const margin_px = 28;

function textWidth(text: string, size_px: number): number {
  return text.length * size_px * character_em;
}

/** What was taken, and as much of the rest as there is room for. */
function linesOf({ labels }: ChartEdge): LabelLine[] {
  const shown = labels.slice(0, Math.max(lines_max, labels.filter(({ count }) => count > 0).length));
  const left = labels.length - shown.length;
  const lines = shown.map(({ event, count }) => ({ text: event, count }));
  return left === 0 ? lines : [...lines, { text: `and ${left} more`, count: 0 }];
}

/** By which events, and from where: not higher than a state, so that edges pass between the rows. */
function entryLines({ events, from_words }: ChartEntry): LabelLine[] {
  const [first = '', second = ''] = events.map(({ event }) => event);
  const is_short = events.length === 2 && first.length + second.length <= entry_characters_max;
  const rest = is_short ? `, ${second}` : ` and ${events.length - 1} more`;
  const what = events.length === 1 ? first : `${first}${rest}`;
  return [what, `from ${from_words}`].map((line) => ({ text: line, count: 0 }));
}

function sizeOf(lines: readonly LabelLine[]): { readonly width: number; readonly height: number } {
  const widths = lines.map(({ text, count }) =>
    textWidth(count > 0 ? `${text} ${timesText(count)}` : text, font_px.label),
  );
  return { width: Math.max(...widths) + 8, height: lines.length * line_px + 2 };
}

const entryName = ({ to }: ChartEntry): string => `-> ${to}`;

interface Placed extends Box {
  readonly points: readonly Point[];
}

const boxOf = ({ x, y, width, height }: Placed): Box => ({ x, y, width, height });

/** The same, as dagre is told of it: it has no edge that leads up. */
interface Downward {
  readonly upper: string;
  readonly lower: string;
  readonly name: 'forth' | 'back' | 'entry';
}

const downward = ({ from, to, is_back }: ChartEdge): Downward =>
  is_back ? { upper: to, lower: from, name: 'back' } : { upper: from, lower: to, name: 'forth' };

const entryDown = (entry: ChartEntry): Downward => ({
  upper: entryName(entry),
  lower: entry.to,
  name: 'entry',
});

/** Room for its name, and for the edges at its busier side. */
function stateWidth(name: string, { edges, entries }: Chart): number {
  const lines = [...edges.map(downward), ...entries.map(entryDown)];
  const below = lines.filter(({ upper }) => upper === name).length;
  const above = lines.filter(({ lower }) => lower === name).length;
  return Math.max(textWidth(name, font_px.state) + state_padding_px, roomFor(Math.max(below, above)));
}

function arrange(chart: Chart) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', ...distances_px, marginx: margin_px, marginy: margin_px });
  for (const { name } of chart.states) {
    graph.setNode(name, { width: stateWidth(name, chart), height: state_height_px });
  }
  for (const edge of chart.edges) {
    const { upper, lower, name } = downward(edge);
    const weight = edge.is_back ? 1 : 3;
    graph.setEdge(upper, lower, { ...sizeOf(linesOf(edge)), labelpos: 'c', weight }, name);
  }
  for (const entry of chart.entries) {
    const { upper, lower, name } = entryDown(entry);
    graph.setNode(upper, sizeOf(entryLines(entry)));
    graph.setEdge(upper, lower, { weight: 2 }, name);
  }
  return dagreLayout(graph);
}

/** The same chart has the same layout each time; takes some ms. */
export function layoutChart(chart: Chart): ChartLayout {
  const graph = arrange(chart);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const boxes = new Map(
    graph.nodes().map((name: string): [string, Box] => [name, boxOf(graph.node(name) as Placed)]),
  ) as ReadonlyMap<string, Box>;
  const box = (name: string): Box => boxes.get(name) as Box;
  const placed = ({ upper, lower, name }: Downward): Placed => graph.edge(upper, lower, name) as Placed;
  const lines = [...chart.edges.map(downward), ...chart.entries.map(entryDown)];
  const ways = withPorts(
    lines.map((line) => ({ ...line, points: placed(line).points })),
    boxes,
  );
  return {
    chart,
    width,
    height,
    states: chart.states.map((state) => ({ ...state, box: box(state.name) })),
    edges: chart.edges.map((edge, index) => {
      const points = ways[index] ?? [];
      return {
        ...edge,
        points: edge.is_back ? points.toReversed() : points,
        label_box: boxOf(placed(downward(edge))),
        lines: linesOf(edge),
      };
    }),
    entries: chart.entries.map((entry, index) => ({
      ...entry,
      box: box(entryName(entry)),
      points: ways[chart.edges.length + index] ?? [],
      lines: entryLines(entry),
    })),
  };
}
