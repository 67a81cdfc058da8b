/**
 * A machine as SVG, with what an actor did in it.
 *
 * `renderSvg(diagram)` gives a file of its own. In a page: `renderSvg(diagram, { is_embedded: true })` has no style of its
 * own, and the page adds the rules of `diagramCss((name) => colour)` once. Everything can be found and lit:
 * `[data-state="sending"]`, `[data-edge="sending confirming"]` (its line and its label), `[data-entry="cancelled"]` (what leads there from
 * many states, below its name);
 * classes: `is-current`, `is-parked`, `is-visited`, `is-settled` of states, `is-taken` of edges. So that nothing moves
 * while one steps through a history, lay the whole path out once and draw each step with it:
 * `const layout = layoutChart(chartOf(whole)); renderSvg(step, { layout })`.
 */
import { type Chart, type Diagram, chartOf } from './chart.js';
import {
  type ChartLayout,
  type LabelLine,
  type PlacedEdge,
  type PlacedState,
  layoutChart,
  line_px,
} from './layout.js';
import type { Box, Point } from './ports.js';
import { standaloneCss } from './svg_style.js';
import { timesText } from './strings.js';
import { describeEdge, describeEntry, describeState, describeWay } from './words.js';

export interface SvgOptions {
  /** Without a style and a ground of its own. */
  readonly is_embedded?: boolean;
  /** Begins the ids in it; needed where a document has more than one. */
  readonly id_prefix?: string;
  /** Of a diagram of the same machine that has the same edges, or more. */
  readonly layout?: ChartLayout;
}

const current_rim_px = 4;

/** For text between tags and for values in double quotes; what XML does not allow is left out. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

const at = ({ x, y }: Point): string => `${round(x)},${round(y)}`;

const between = (one: Point, other: Point, part: number): Point => ({
  x: one.x + (other.x - one.x) * part,
  y: one.y + (other.y - one.y) * part,
});

/** A uniform cubic B-spline: it begins at the first point, ends at the last, and bends towards those between them. */
export function curveThrough(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) return '';
  const corners = [...points, last];
  const curves = rest.map((to, index) => {
    const from = corners[index] ?? first;
    const next = corners[index + 2] ?? last;
    return `C${at(between(from, to, 1 / 3))} ${at(between(from, to, 2 / 3))} ${at(onCurve(from, to, next))}`;
  });
  return `M${at(first)}L${at(between(first, rest[0] ?? last, 1 / 6))}${curves.join('')}L${at(last)}`;
}

/** Where a B-spline passes the point in the middle of three. */
function onCurve(before: Point, { x, y }: Point, after: Point): Point {
  return { x: (before.x + 4 * x + after.x) / 6, y: (before.y + 4 * y + after.y) / 6 };
}

function rect(className: string, { x, y, width, height }: Box, grow: number, radius: number): string {
  const place = `x="${round(x - width / 2 - grow)}" y="${round(y - height / 2 - grow)}"`;
  const size = `width="${round(width + 2 * grow)}" height="${round(height + 2 * grow)}"`;
  return `<rect class="${className}" ${place} ${size} rx="${round(radius)}"/>`;
}

function text(className: string, x: number, y: number, content: string): string {
  return `<text class="${className}" x="${round(x)}" y="${round(y)}">${escapeXml(content)}</text>`;
}

const titleOf = (words: string): string => `<title>${escapeXml(words)}</title>`;

function stateSvg(state: PlacedState, parked_reason: string): string {
  const { box, name, is_settled, is_current, visits } = state;
  const is_parked = is_current && parked_reason !== '';
  const classes = [
    'state',
    ...(is_settled ? ['is-settled'] : []),
    ...(visits > 0 ? ['is-visited'] : []),
    ...(is_current ? ['is-current'] : []),
    ...(is_parked ? ['is-parked'] : []),
  ];
  const radius = is_settled ? box.height / 2 : 8;
  const left = box.x - box.width / 2;
  const right = box.x + box.width / 2;
  const label = { x: box.x, y: box.y + box.height / 2 + 15, width: 48, height: 16 };
  return [
    `<g class="${classes.join(' ')}" data-state="${escapeXml(name)}">`,
    titleOf(describeState(state, parked_reason)),
    rect('rim', box, current_rim_px, radius + current_rim_px),
    rect('box', box, 0, radius),
    `<circle class="here" cx="${round(left + 13)}" cy="${round(box.y)}" r="4"/>`,
    text('name', box.x, state.entry === null ? box.y : box.y - line_px / 2, name),
    entrySvg(state),
    ...(visits > 1 ? [text('times', right - 5, box.y - box.height / 2 + 9, timesText(visits))] : []),
    ...(is_parked ? [rect('plate', label, 0, 3), text('parked', label.x, label.y, 'parked')] : []),
    '</g>',
  ].join('');
}

function linesSvg(lines: readonly LabelLine[], { x, y }: Point): string {
  const top = y - ((lines.length - 1) * line_px) / 2;
  return lines
    .map(({ text: content, count }, index) => {
      const words = count > 0 ? `${content} ${timesText(count)}` : content;
      return text(count > 0 ? 'is-taken' : 'is-open', x, top + index * line_px, words);
    })
    .join('');
}

const classOf = (className: string, count: number): string =>
  count > 0 ? `${className} is-taken` : className;

function edgeSvg(edge: PlacedEdge, prefix: string): string {
  const { from, to, count, points } = edge;
  const marker = count > 0 ? 'arrow-taken' : 'arrow';
  return [
    `<g class="${classOf('edge', count)}" data-edge="${escapeXml(`${from} ${to}`)}">`,
    titleOf(describeEdge(edge)),
    `<path d="${curveThrough(points)}" marker-end="url(#${prefix}${marker})"/></g>`,
  ].join('');
}

function edgeLabelSvg(edge: PlacedEdge): string {
  const { from, to, count, label_box, lines } = edge;
  return [
    `<g class="${classOf('label', count)}" data-edge="${escapeXml(`${from} ${to}`)}">`,
    titleOf(describeEdge(edge)),
    rect('plate', label_box, -1, 3),
    linesSvg(lines, label_box),
    '</g>',
  ].join('');
}

/** What leads to a state from many, below its name. */
function entrySvg({ entry, entry_text, box }: PlacedState): string {
  if (entry === null) return '';
  return [
    `<g class="entry" data-entry="${escapeXml(entry.to)}">`,
    titleOf(describeEntry(entry)),
    text('from', box.x, box.y + line_px / 2 + 3, entry_text),
    '</g>',
  ].join('');
}

function arrow(id: string, className: string, size: number): string {
  return `<marker id="${id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="${size}" markerHeight="${size}" markerUnits="userSpaceOnUse" orient="auto"><path class="${className}" d="M0,1L10,5L0,9z"/></marker>`;
}

function startSvg(states: readonly PlacedState[], prefix: string): string {
  return states
    .filter(({ is_initial }) => is_initial)
    .map(({ box }) => {
      const top = box.y - box.height / 2;
      const dot = `<circle cx="${round(box.x)}" cy="${round(top - 18)}" r="4.5"/>`;
      return `<g class="start">${dot}<path d="M${at({ x: box.x, y: top - 18 })}V${round(top)}" marker-end="url(#${prefix}arrow)"/></g>`;
    })
    .join('');
}

/** The same edges and states as in `chart`, where `layout` has them. */
function placeAs(layout: ChartLayout, chart: Chart): ChartLayout {
  const edges = layout.edges.map((edge): PlacedEdge => {
    const now = chart.edges.find(({ from, to }) => from === edge.from && to === edge.to);
    const countOf = (event: string): number => now?.labels.find((label) => label.event === event)?.count ?? 0;
    return {
      ...edge,
      count: now?.count ?? 0,
      labels: edge.labels.map((label) => ({ ...label, count: countOf(label.event) })),
      lines: edge.lines.map((line) => ({ ...line, count: countOf(line.text) })),
    };
  });
  const states = layout.states.map((state): PlacedState => {
    const now = chart.states.find(({ name }) => name === state.name);
    return { ...state, is_current: false, visits: 0, stayed: 0, ...now };
  });
  return { ...layout, chart, edges, states };
}

/** A whole SVG document, or element. */
export function renderSvg(diagram: Diagram, options: SvgOptions = {}): string {
  const { is_embedded = false, id_prefix: prefix = 'icb-' } = options;
  const chart = chartOf(diagram);
  const layout = options.layout === undefined ? layoutChart(chart) : placeAs(options.layout, chart);
  const { width, height, states } = layout;
  const has_path = chart.states.some(({ visits }) => visits > 0);
  const size = `width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="icb-diagram${has_path ? ' has-path' : ''}" ${size} role="img" aria-labelledby="${prefix}title" aria-describedby="${prefix}desc">`,
    `<title id="${prefix}title">${escapeXml(chart.title)}</title>`,
    `<desc id="${prefix}desc">${escapeXml(describeWay(chart))}</desc>`,
    ...(is_embedded
      ? []
      : [`<style>${standaloneCss()}</style>`, '<rect class="ground" width="100%" height="100%"/>']),
    `<defs>${arrow(`${prefix}arrow`, 'arrow', 9)}${arrow(`${prefix}arrow-taken`, 'arrow-taken', 13)}</defs>`,
    // What was taken is over all the rest.
    ...[false, true].flatMap((is_taken) => {
      const chosen = layout.edges.filter(({ count }) => count > 0 === is_taken);
      return [...chosen.map((edge) => edgeSvg(edge, prefix)), ...chosen.map(edgeLabelSvg)];
    }),
    ...states.map((state) => stateSvg(state, chart.parked_reason)),
    startSvg(states, prefix),
    '</svg>',
    '',
  ].join('\n');
}
