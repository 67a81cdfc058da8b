import { describe, expect, test } from 'vitest';
import { bareDiagram, chartOf } from '../../../src/diagram/chart.js';
import { renderDot } from '../../../src/diagram/dot.js';
import { renderMermaid } from '../../../src/diagram/mermaid.js';
import { cancelled, graphs, hostile_diagram, kinds } from './samples.js';

const quoted = '"(?:[^"\\\\\\n]|\\\\.)*"';
const value = `(?:${quoted}|[\\w.]+)`;
const list = `(?: \\[\\w+=${value}(?:, \\w+=${value})*\\])?`;
/** The statements of Graphviz that are used. */
const dot_line = new RegExp(
  `^(?:digraph ${quoted} \\{|  \\w+=${value};|  (?:node|edge)${list};|  ${quoted}(?: -> ${quoted})?${list};|\\})$`,
);
const mermaid_line = new RegExp(
  [
    '^(?:%% .*|stateDiagram-v2|  direction TB|  state "[^"]*" as s\\d+|  (?:\\[\\*\\]|s\\d+) --> (?:\\[\\*\\]|s\\d+)',
    '  s\\d+ --> s\\d+ : [^:]*|  note right of s\\d+|    [^:]*|  end note|  classDef \\w+ [\\w#:, -]+|  class s\\d+(?:,s\\d+)* \\w+)$',
  ].join('|'),
);
const entity = /#\d+;/g;

const lines = (text: string): string[] => text.trimEnd().split('\n');

describe.each(kinds)('a %s', (kind) => {
  const bare = bareDiagram(graphs[kind]);
  const chart = chartOf(bare);
  const idOf = (name: string): string => `s${chart.states.findIndex((state) => state.name === name)}`;

  test('for Graphviz: every line is a statement, every state and edge is there', () => {
    const text = renderDot(bare);
    for (const line of lines(text)) expect(line).toMatch(dot_line);
    for (const { name } of chart.states) expect(text).toContain(`  "${name}" [label="${name}"`);
    for (const { from, to } of chart.edges) expect(text).toContain(`  "${from}" -> "${to}" [label=`);
    for (const { to } of chart.entries) expect(text).toContain(`  "to ${to}" -> "${to}" [style=dashed];`);
  });

  test('for Mermaid: every line is a statement, every state and edge is there', () => {
    const text = renderMermaid(bare);
    for (const line of lines(text)) expect(line).toMatch(mermaid_line);
    for (const { name } of chart.states) expect(text).toContain(`  state "${name}" as ${idOf(name)}\n`);
    for (const { from, to } of chart.edges) expect(text).toContain(`  ${idOf(from)} --> ${idOf(to)} : `);
    for (const { to } of chart.entries) expect(text).toContain(`  note right of ${idOf(to)}\n`);
  });
});

test('what was taken, how often, and where it is now', () => {
  const dot = renderDot(cancelled);
  expect(dot).toMatch(
    /"sending" -> "disconnected" \[label="send\.link_lost ×2\\nrestarted", color=.*penwidth/,
  );
  expect(dot).toMatch(/"cancelling" \[label="cancelling\\nnow".*peripheries=2/);
  const mermaid = renderMermaid(cancelled);
  expect(mermaid).toMatch(/ : send\.link_lost ×2, restarted\n/);
  const here = graphs.transfer.states.findIndex(({ name }) => name === 'cancelling');
  expect(mermaid).toMatch(new RegExp(`\\n  class s${here} here\\n$`));
});

test('names are only text, whatever is in them', () => {
  for (const line of lines(renderDot(hostile_diagram))) expect(line).toMatch(dot_line);
  const mermaid = renderMermaid(hostile_diagram);
  for (const line of lines(mermaid)) expect(line.replaceAll(entity, '')).toMatch(mermaid_line);
  expect(mermaid).toContain("a#34;#60;b#62;&'#92;#93;#93;#62; #59; #35;");
  expect(mermaid).toMatch(/\n {2}class s1 parked\n$/);
});
