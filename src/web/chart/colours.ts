/** The colours of charts, as those of the page. */
import { type DiagramColour, diagramCss } from '../../diagram/svg_style.js';

const colours: Readonly<Record<DiagramColour, string>> = {
  ground: 'var(--surface)',
  ink: 'var(--ink)',
  faint_ink: 'var(--ink-3)',
  state: 'var(--sunken)',
  rim: 'var(--edge-strong)',
  edge: 'var(--diagram-edge)',
  visited: 'var(--moving-ground)',
  taken: 'var(--moving)',
  current: 'var(--diagram-current)',
  on_current: 'var(--diagram-on-current)',
  warning: 'var(--warning)',
};

/** What stands in `diagram.css`: the page may have no style but that of its files. */
export function pageDiagramCss(): string {
  return diagramCss((name) => colours[name]).trimStart();
}
