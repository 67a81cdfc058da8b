/**
 * Where everything of a chart stands, px.
 *
 * States stand below each other in the order in which the machine's definition has them: an edge that leads back is
 * turned round for the layout, so that a loop does not turn the machine upside down.
 */
import { Graph, layout as dagreLayout } from '@dagrejs/dagre';
import type { Chart, ChartEdge, ChartEntry, ChartState } from './chart.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x` and `y` are of the middle. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

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
const state_height_px = 36;
const state_padding_px = 42;
const margin_px = 16;

function textWidth(text: string, size_px: number): number {
  return text.length * size_px * character_em;
}

/** How many times, as it stands behind what was done so often. */
export function timesText(count: number): string {
  return `×${count}`;
}

/** What was taken, and as much of the rest as there is room for. */
function linesOf({ labels }: ChartEdge): LabelLine[] {
  const shown = labels.slice(0, Math.max(lines_max, labels.filter(({ count }) => count > 0).length));
  const left = labels.length - shown.length;
  const lines = shown.map(({ event, count }) => ({ text: event, count }));
  return left === 0 ? lines : [...lines, { text: `and ${left} more`, count: 0 }];
}

function entryLines({ labels }: ChartEntry): LabelLine[] {
  return labels.map(({ event, from_words }) => ({ text: `${event} from ${from_words}`, count: 0 }));
}

function sizeOf(lines: readonly LabelLine[]): { readonly width: number; readonly height: number } {
  const widths = lines.map(({ text, count }) =>
    textWidth(count > 0 ? `${text} ${timesText(count)}` : text, font_px.label),
  );
  return { width: Math.max(...widths) + 8, height: lines.length * line_px + 2 };
}

const entryName = ({ to }: ChartEntry): string => `-> ${to}`;

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly points: readonly Point[];
}

const boxOf = ({ x, y, width, height }: Placed): Box => ({ x, y, width, height });

/** The same chart has the same layout each time; takes some ms. */
export function layoutChart(chart: Chart): ChartLayout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: 'TB',
    nodesep: 26,
    edgesep: 14,
    ranksep: 26,
    marginx: margin_px,
    marginy: margin_px,
  });
  for (const { name } of chart.states) {
    const width = textWidth(name, font_px.state) + state_padding_px;
    graph.setNode(name, { width, height: state_height_px });
  }
  for (const edge of chart.edges) {
    const label = { ...sizeOf(linesOf(edge)), labelpos: 'c', weight: edge.is_back ? 1 : 3 };
    if (edge.is_back) graph.setEdge(edge.to, edge.from, label, 'back');
    else graph.setEdge(edge.from, edge.to, label, 'forth');
  }
  for (const entry of chart.entries) {
    graph.setNode(entryName(entry), sizeOf(entryLines(entry)));
    graph.setEdge(entryName(entry), entry.to, { weight: 2 }, 'entry');
  }
  dagreLayout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const placedEdge = (edge: ChartEdge): Placed =>
    (edge.is_back
      ? graph.edge(edge.to, edge.from, 'back')
      : graph.edge(edge.from, edge.to, 'forth')) as Placed;
  return {
    chart,
    width,
    height,
    states: chart.states.map((state) => ({ ...state, box: boxOf(graph.node(state.name) as Placed) })),
    edges: chart.edges.map((edge) => {
      const placed = placedEdge(edge);
      const points = edge.is_back ? placed.points.toReversed() : placed.points;
      return { ...edge, points, label_box: boxOf(placed), lines: linesOf(edge) };
    }),
    entries: chart.entries.map((entry) => ({
      ...entry,
      box: boxOf(graph.node(entryName(entry)) as Placed),
      points: (graph.edge(entryName(entry), entry.to, 'entry') as Placed).points,
      lines: entryLines(entry),
    })),
  };
}
