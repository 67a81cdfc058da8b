/** How a diagram looks. */

const light = {
  ground: '#ffffff',
  ink: '#171b22',
  faint_ink: '#6a7380',
  state: '#f5f6f8',
  rim: '#99a2b0',
  edge: '#b9c0cb',
  visited: '#e4eefb',
  taken: '#1d5bb8',
  current: '#1d5bb8',
  on_current: '#ffffff',
  warning: '#8a5300',
} as const;

export type DiagramColour = keyof typeof light;

const dark: Readonly<Record<DiagramColour, string>> = {
  ground: '#0f1216',
  ink: '#e8ebef',
  faint_ink: '#9aa4b1',
  state: '#1d232b',
  rim: '#6b7584',
  edge: '#4a525f',
  visited: '#16263d',
  taken: '#7fb2f5',
  current: '#7fb2f5',
  on_current: '#0f1216',
  warning: '#e5ae55',
};

const fonts =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

/**
 * The rules for all that `renderSvg` draws.
 * @param colour what stands for each colour, for example `var(--ink)`
 */
export function diagramCss(colour: (name: DiagramColour) => string): string {
  return `
.icb-diagram { font-family: ${fonts}; }
.icb-diagram text { fill: ${colour('ink')}; text-anchor: middle; dominant-baseline: central; }
.icb-diagram .ground { fill: ${colour('ground')}; }
.icb-diagram .state .box { fill: ${colour('state')}; stroke: ${colour('rim')}; stroke-width: 1.25; }
.icb-diagram .state .rim { fill: none; stroke: none; }
.icb-diagram .state .here { display: none; fill: ${colour('on_current')}; }
.icb-diagram .state .name { font-size: 14px; font-weight: 500; }
.icb-diagram .state .times { font-size: 11px; font-weight: 600; text-anchor: end; fill: ${colour('taken')}; }
.icb-diagram .state .parked { font-size: 11.5px; font-weight: 600; fill: ${colour('warning')}; }
.icb-diagram .state.is-settled .box { stroke-width: 2; }
.icb-diagram .state.is-visited .box { fill: ${colour('visited')}; stroke: ${colour('taken')}; stroke-width: 1.75; }
.icb-diagram .state.is-visited .name { font-weight: 650; }
.icb-diagram .state.is-current .box { fill: ${colour('current')}; stroke: ${colour('current')}; }
.icb-diagram .state.is-current .rim { stroke: ${colour('current')}; stroke-width: 2; }
.icb-diagram .state.is-current .here { display: inline; }
.icb-diagram .state.is-current .name, .icb-diagram .state.is-current .from, .icb-diagram .state.is-current .times { fill: ${colour('on_current')}; }
.icb-diagram .state.is-parked .box { fill: ${colour('warning')}; stroke: ${colour('warning')}; }
.icb-diagram .state.is-parked .rim { stroke: ${colour('warning')}; stroke-dasharray: 5 3; }
.icb-diagram .start circle { fill: ${colour('faint_ink')}; }
.icb-diagram .start path { fill: none; stroke: ${colour('edge')}; stroke-width: 1.25; }
.icb-diagram.has-path .state:not(.is-visited):not(.is-current) .name { fill: ${colour('faint_ink')}; }
.icb-diagram.has-path .state:not(.is-visited):not(.is-current) .box { stroke: ${colour('edge')}; }
.icb-diagram .edge path { fill: none; stroke: ${colour('edge')}; stroke-width: 1.25; }
.icb-diagram .edge.is-taken path { stroke: ${colour('taken')}; stroke-width: 2.75; }
.icb-diagram .arrow { fill: ${colour('edge')}; }
.icb-diagram .arrow-taken { fill: ${colour('taken')}; }
.icb-diagram .label text { font-size: 11.5px; fill: ${colour('faint_ink')}; }
.icb-diagram .state .from { font-size: 11px; fill: ${colour('faint_ink')}; }
.icb-diagram .plate { fill: ${colour('ground')}; }
.icb-diagram .label text.is-taken { fill: ${colour('taken')}; font-weight: 650; }
`;
}

/** For a file of its own: light, or dark where the reader wants it so. */
export function standaloneCss(): string {
  const dark_rules = diagramCss((name) => dark[name]);
  return `${diagramCss((name) => light[name])}@media (prefers-color-scheme: dark) {${dark_rules}}\n`;
}
