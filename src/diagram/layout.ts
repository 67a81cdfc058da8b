/**
 * Where everything of a chart stands, px.
 *
 * States stand below each other in the order in which the machine's definition has them: an edge that leads back is
 * turned round for the layout, so that a loop does not turn the machine upside down.
 */
import { Graph, layout as dagreLayout } from '@dagrejs/dagre';
import type { Chart, ChartEdge, ChartEntry, ChartState } from './chart.js';
import { type Box, type Point, roomFor, withPorts } from './ports.js';
import { timesText } from './strings.js';

export interface PlacedState extends ChartState {
  readonly box: Box;
  /** What leads there from many states; null: nothing. */
  readonly entry: ChartEntry | null;
  /** The same in short, below its name; empty if there is none. */
  readonly entry_text: string;
}

export interface PlacedEdge extends ChartEdge {
  /** From the rim of one state to that of the other. */
  readonly points: readonly Point[];
  readonly label_box: Box;
  /** What its label says, line by line. */
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
}

export const font_px = { state: 14, label: 11.5, entry: 11 } as const;
export const line_px = 15;
/** Mean width of a character, as a part of the size of the font: wide enough for every sans serif. */
const character_em = 0.58;
/** Lines of an edge's label; more are counted. */
const lines_max = 3;
/** Names of events that are longer together are only counted. */
const entry_characters_max = 18;
const entry_padding_px = 26;
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

/** By which events it is entered, and from where, for the line below the name of a state. */
function entryText({ events, from_words }: ChartEntry): string {
  const names = events.map(({ event }) => event).join(', ');
  const what = events.length > 1 && names.length > entry_characters_max ? `${events.length} events` : names;
  return `${what} from ${from_words}`;
}

function sizeOf(lines: readonly LabelLine[]): { readonly width: number; readonly height: number } {
  const widths = lines.map(({ text, count }) =>
    textWidth(count > 0 ? `${text} ${timesText(count)}` : text, font_px.label),
  );
  return { width: Math.max(...widths) + 8, height: lines.length * line_px + 2 };
}

interface Placed extends Box {
  readonly points: readonly Point[];
}

const boxOf = ({ x, y, width, height }: Placed): Box => ({ x, y, width, height });

/** The same, as dagre is told of it: it has no edge that leads up. */
interface Downward {
  readonly upper: string;
  readonly lower: string;
  readonly name: 'forth' | 'back';
}

const downward = ({ from, to, is_back }: ChartEdge): Downward =>
  is_back ? { upper: to, lower: from, name: 'back' } : { upper: from, lower: to, name: 'forth' };

/** Room for its name and the line below it, and for the edges at its busier side. */
function sizeOfState(name: string, { edges, entries }: Chart): { width: number; height: number } {
  const lines = edges.map(downward);
  const below = lines.filter(({ upper }) => upper === name).length;
  const above = lines.filter(({ lower }) => lower === name).length;
  const name_width = textWidth(name, font_px.state) + state_padding_px;
  const entry = entries.find(({ to }) => to === name);
  const entry_width = entry === undefined ? 0 : textWidth(entryText(entry), font_px.entry) + entry_padding_px;
  return {
    width: Math.max(name_width, entry_width, roomFor(Math.max(below, above))),
    height: entry === undefined ? state_height_px : state_height_px + line_px,
  };
}

/** The states that edges lead to from the first ones, in whichever direction. */
function joinedTo(first: readonly string[], edges: readonly ChartEdge[]): Set<string> {
  const joined = new Set(first);
  // A set is walked in the order of its members, new ones included.
  for (const name of joined) {
    for (const { from, to } of edges) {
      if (from === name) joined.add(to);
      if (to === name) joined.add(from);
    }
  }
  return joined;
}

/** What no edge joins to the rest stands below the last state before it that leads there: an edge that nobody sees. */
function unseenEdges({
  states,
  edges,
  entries,
}: Chart): { readonly upper: string; readonly lower: string }[] {
  const names = states.map(({ name }) => name);
  const seen = joinedTo(
    states.filter(({ is_initial }) => is_initial).map(({ name }) => name),
    edges,
  );
  return names.flatMap((lower, index) => {
    const entry = entries.find(({ to }) => to === lower);
    if (seen.has(lower) || entry === undefined) return [];
    const sources = new Set(entry.events.flatMap(({ from }) => from));
    const upper = names.slice(0, index).findLast((name) => sources.has(name));
    for (const name of joinedTo([lower], edges)) seen.add(name);
    return upper === undefined ? [] : [{ upper, lower }];
  });
}

function arrange(chart: Chart) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', ...distances_px, marginx: margin_px, marginy: margin_px });
  for (const { name } of chart.states) graph.setNode(name, sizeOfState(name, chart));
  for (const edge of chart.edges) {
    const { upper, lower, name } = downward(edge);
    const weight = edge.is_back ? 1 : 3;
    graph.setEdge(upper, lower, { ...sizeOf(linesOf(edge)), labelpos: 'c', weight }, name);
  }
  for (const { upper, lower } of unseenEdges(chart)) graph.setEdge(upper, lower, { weight: 0 }, 'unseen');
  return dagreLayout(graph);
}

/** The same chart has the same layout each time; takes some ms. */
export function layoutChart(chart: Chart): ChartLayout {
  const graph = arrange(chart);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const boxes = new Map(chart.states.map(({ name }) => [name, boxOf(graph.node(name) as Placed)]));
  const box = (name: string): Box => boxes.get(name) as Box;
  const lines = chart.edges.map((edge) => {
    const { upper, lower, name } = downward(edge);
    const placed = graph.edge(upper, lower, name) as Placed;
    return { upper, lower, points: placed.points, label_box: boxOf(placed) };
  });
  const ways = withPorts(lines, boxes);
  return {
    chart,
    width,
    height,
    states: chart.states.map((state) => {
      const entry = chart.entries.find(({ to }) => to === state.name);
      return {
        ...state,
        box: box(state.name),
        entry: entry ?? null,
        entry_text: entry === undefined ? '' : entryText(entry),
      };
    }),
    edges: chart.edges.map((edge, index) => {
      const points = ways[index] ?? [];
      return {
        ...edge,
        points: edge.is_back ? points.toReversed() : points,
        label_box: lines[index]?.label_box as Box,
        lines: linesOf(edge),
      };
    }),
  };
}
