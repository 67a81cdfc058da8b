import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { bareDiagram, chartOf } from '../../../src/diagram/chart.js';
import { layoutChart } from '../../../src/diagram/layout.js';
import { renderSvg } from '../../../src/diagram/svg.js';
import { diagramCss } from '../../../src/diagram/svg_style.js';
import { cancelled, diagramOf, graphs, hostile_diagram, kinds } from './samples.js';

/** What is found between the tags, and the value of each attribute, as an XML parser reads them. */
function parse(svg: string): { texts: string[]; states: string[]; edges: string[]; classes: string[] } {
  const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag
all = list(root.iter())
ids = [each.get('id') for each in all if each.get('id')]
assert len(ids) == len(set(ids)), ids
for name in root.get('aria-labelledby'), root.get('aria-describedby'): assert name in ids
def get(key): return [each.get(key) for each in all if each.get(key) is not None]
print(json.dumps({'texts': [each.text for each in all if (each.text or '').strip()], 'states': get('data-state'),
  'edges': get('data-edge'), 'classes': get('class')}))`;
  return JSON.parse(execFileSync('python3', ['-c', script], { input: svg }).toString()) as never;
}

/** Where the states and the lines are. */
const places = (svg: string): string[] =>
  [...svg.matchAll(/<rect class="box"[^>]*>| d="M[^"]*"/g)].map(([text]) => text).toSorted();

const overlaps = (one: Box, other: Box): boolean =>
  Math.abs(one.x - other.x) * 2 < one.width + other.width &&
  Math.abs(one.y - other.y) * 2 < one.height + other.height;
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

describe.each(kinds)('the drawing of a %s', (kind) => {
  const chart = chartOf(bareDiagram(graphs[kind]));
  const layout = layoutChart(chart);

  test('has each state and edge, with what an XML parser reads', () => {
    const { states, edges } = parse(renderSvg(bareDiagram(graphs[kind])));
    expect(states).toEqual(graphs[kind].states.map(({ name }) => name));
    // A line and a label for each.
    const pairs = chart.edges.map(({ from, to }) => `${from} ${to}`);
    expect(edges.toSorted()).toEqual([...pairs, ...pairs].toSorted());
  });

  test('has all of it inside, and no box over another', () => {
    const boxes = [...layout.states.map(({ box }) => box), ...layout.edges.map(({ label_box }) => label_box)];
    for (const [index, box] of boxes.entries()) {
      expect(box.x - box.width / 2).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width / 2).toBeLessThanOrEqual(layout.width);
      expect(box.y - box.height / 2).toBeGreaterThanOrEqual(0);
      expect(box.y + box.height / 2).toBeLessThanOrEqual(layout.height);
      expect(boxes.slice(index + 1).filter((other) => overlaps(box, other))).toEqual([]);
    }
  });

  test('has edges from the rim of one state to the rim of the other', () => {
    const boxOf = new Map(layout.states.map(({ name, box }) => [name, box]));
    for (const { from, to, points } of layout.edges) {
      for (const [name, point] of [[from, points[0]] as const, [to, points.at(-1)] as const]) {
        const box = boxOf.get(name) as Box;
        expect(Math.abs(Math.abs((point?.y ?? 0) - box.y) - box.height / 2)).toBeLessThan(0.01);
        expect(Math.abs((point?.x ?? 0) - box.x)).toBeLessThan(box.width / 2);
      }
    }
  });
});

test('what was taken, how often, and where it is now', () => {
  const { texts, classes } = parse(renderSvg(cancelled));
  expect(texts).toEqual(expect.arrayContaining(['send.link_lost ×2', 'plan.done ×2', 'cancel ×1', '×4']));
  expect(texts).not.toContain('send.done ×1');
  expect(classes.filter((name) => name.includes('is-current'))).toEqual(['state is-visited is-current']);
  expect(texts[0]).toBe('The transfer is cancelling');
  expect(texts[1]).toContain('sending to disconnected 2 times');
  expect(renderSvg(cancelled)).toBe(renderSvg(cancelled));
});

test('a step of the past stands where the whole way does', () => {
  const layout = layoutChart(chartOf(cancelled));
  const early = diagramOf(graphs.transfer, [
    ['created', 'queued'],
    ['slot.granted', 'planning'],
  ]);
  const whole = renderSvg(cancelled, { layout });
  const step = renderSvg(early, { layout });
  expect(places(step)).toEqual(places(whole));
  expect(whole).toBe(renderSvg(cancelled));
  const { texts, classes } = parse(step);
  expect(texts).toContain('slot.granted ×1');
  expect(texts.filter((text) => /×\d/.test(text))).toEqual(['slot.granted ×1']);
  expect(classes.filter((name) => name === 'edge is-taken')).toHaveLength(1);
});

test('names are only text, whatever is in them', () => {
  const svg = renderSvg(hostile_diagram);
  const { states, texts, classes } = parse(svg);
  const name = hostile_diagram.graph.states[0]?.name.replace('\u0007', '');
  expect(states).toEqual([name, 'end']);
  expect(texts).toContain(name);
  expect(classes).toContain('state is-settled is-visited is-current is-parked');
  expect(svg).not.toContain('<b>');
});

test('in a page it has no style of its own, and ids that do not meet those of another', () => {
  const svg = renderSvg(cancelled, { is_embedded: true, id_prefix: 'first-' });
  expect(svg).not.toMatch(/<style|style=|class="ground"/);
  const ids = [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(2);
  expect(ids.filter((id) => id?.startsWith('first-') !== true)).toEqual([]);
  const css = diagramCss((name) => `var(--${name})`);
  expect(css).toContain('var(--taken)');
  expect(css).not.toMatch(/#[0-9a-f]{6}|prefers-color-scheme/);
  expect(renderSvg(cancelled)).toContain('@media (prefers-color-scheme: dark)');
});
