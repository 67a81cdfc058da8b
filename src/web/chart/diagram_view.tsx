import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Diagram, chartOf } from '../../diagram/chart.js';
import { type ChartLayout, layoutChart } from '../../diagram/layout.js';
import { renderSvg } from '../../diagram/svg.js';
import { Button } from '../ui/button.js';
import { fitZoom, nextZoom, zoom_max, zoom_min } from './zoom.js';

interface Props {
  readonly diagram: Diagram;
  /** One with all ways that will be shown: it stays where it is while somebody steps through the past. */
  readonly whole?: Diagram;
  /** The way by which it came into its state. */
  readonly last_way?: { readonly from: string; readonly to: string } | null;
  readonly is_past?: boolean;
  /** @returns whether the key meant something */
  readonly onKey?: (key: string) => boolean;
  readonly label: string;
  /** What stands above it. */
  readonly head: ComponentChildren;
}

/** The same layout as long as there are the same states and ways. */
function useLayout(whole: Diagram): ChartLayout {
  const ways = whole.path.map(({ from, to, event }) => `${from} ${to} ${event}`).toSorted();
  const key = JSON.stringify([whole.graph.kind, whole.graph.version, ways]);
  return useMemo(() => layoutChart(chartOf(whole)), [key]);
}

/** Width of the place that the chart has, px. */
function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

const sees = (start: number, size: number, middle: number, half: number): boolean =>
  middle - half >= start && middle + half <= start + size;

/** Scrolls the chart, and nothing else, so that the state is in its middle, if it is not seen well. */
function showState(place: HTMLElement, layout: ChartLayout, name: string, zoom: number): void {
  const state = layout.states.find((candidate) => candidate.name === name);
  if (state === undefined) return;
  const { x, y, width, height } = state.box;
  const is_seen =
    sees(place.scrollLeft, place.clientWidth, x * zoom, (width / 2 + 12) * zoom) &&
    sees(place.scrollTop, place.clientHeight, y * zoom, (height / 2 + 12) * zoom);
  if (is_seen) return;
  const is_reduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
  place.scrollTo({
    left: x * zoom - place.clientWidth / 2,
    top: y * zoom - place.clientHeight / 2,
    behavior: is_reduced ? 'auto' : 'smooth',
  });
}

/** A machine with an actor in it, to be scrolled and enlarged. */
export function DiagramView(props: Props) {
  const { diagram, whole = diagram, last_way = null, is_past = false, onKey, label, head } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<HTMLDivElement>(null);
  const layout = useLayout(whole);
  const width = useWidth(place);
  const [chosen_zoom, setZoom] = useState<number | null>(null);
  const zoom = chosen_zoom ?? fitZoom(layout.width, width);
  // No style stands in it, and all that others wrote is escaped.
  const svg = useMemo(
    () => renderSvg(diagram, { is_embedded: true, id_prefix: `${diagram.graph.kind}-`, layout }),
    [diagram, layout],
  );
  useLayoutEffect(() => {
    const element = drawing.current;
    if (element === null) return;
    element.innerHTML = svg;
    const drawn = element.querySelector('svg');
    drawn?.style.setProperty('width', `${Math.round(layout.width * zoom)}px`);
    drawn?.style.setProperty('height', 'auto');
    if (last_way === null) return;
    const edge = CSS.escape(`${last_way.from} ${last_way.to}`);
    for (const part of element.querySelectorAll(`[data-edge="${edge}"]`)) part.classList.add('is-last');
  }, [svg, zoom, last_way?.from, last_way?.to]);
  useEffect(() => {
    if (place.current !== null && width > 0) showState(place.current, layout, diagram.state, zoom);
  }, [diagram.state, layout, zoom, width]);
  return (
    <div class={`chart ${is_past ? 'is-past' : ''}`}>
      <header class="card-head">
        {head}
        <div class="chart-zoom">
          <Button
            is_small
            label="Smaller"
            refusal={zoom <= zoom_min ? 'it is as small as can be' : ''}
            onClick={() => setZoom(nextZoom(zoom, -1))}
          >
            −
          </Button>
          <Button is_small title="As wide as its place" onClick={() => setZoom(null)}>
            Fit
          </Button>
          <Button
            is_small
            label="Larger"
            refusal={zoom >= zoom_max ? 'it is as large as can be' : ''}
            onClick={() => setZoom(nextZoom(zoom, 1))}
          >
            +
          </Button>
        </div>
      </header>
      <div
        ref={place}
        class="chart-place"
        role="group"
        aria-label={label}
        tabIndex={0}
        onKeyDown={(event) => {
          const is_plain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
          if (is_plain && onKey?.(event.key) === true) event.preventDefault();
        }}
      >
        <div ref={drawing} class="chart-drawing" />
      </div>
    </div>
  );
}
