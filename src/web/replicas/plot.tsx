import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { readColour, repaints } from '../theme.js';
import { formatRate } from '../ui/format.js';
import { type PlotData, axisLabels, axisSplits } from './bins.js';

const height_px = 240;

function optionsFor(width_px: number, onHover: (index: number | null) => void): uPlot.Options {
  const [ink, edge, stream, link] = (['--ink-2', '--edge', '--moving', '--warning'] as const).map(readColour);
  const axis = {
    stroke: ink,
    grid: { stroke: edge, width: 1 },
    ticks: { stroke: edge, width: 1 },
    font: '12px system-ui, sans-serif',
  };
  return {
    width: width_px,
    height: height_px,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_plot, _low, high) => [0, axisSplits(high).at(-1) ?? 1] } },
    axes: [
      {
        ...axis,
        // Twenty-four hours, and the day where it changes, whatever the reader's language.
        values: [
          [86_400, '{MMM} {D}', null, null, null, null, null, null, 1],
          [3_600, '{HH}:{mm}', '\n{MMM} {D}', null, null, null, null, null, 1],
          [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
          [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
        ],
      },
      {
        ...axis,
        size: 84,
        splits: (_plot, _index, _low, high) => axisSplits(high).filter((split) => split <= high),
        values: (_plot, splits) => axisLabels(splits),
      },
    ],
    series: [
      {},
      {
        label: 'stream',
        stroke: stream,
        width: 2,
        fill: `color-mix(in srgb, ${stream} 14%, transparent)`,
        points: { show: false },
      },
      { label: 'link', stroke: link, width: 2, dash: [6, 4], points: { show: false } },
    ],
    hooks: {
      setCursor: [(plot) => onHover(plot.cursor.idx ?? null)],
    },
  };
}

function words(data: PlotData, index: number | null): string {
  const at = index ?? data.at_s.length - 1;
  const [stream = 0, link = 0] = [data.stream[at], data.link[at]];
  const time = new Date((data.at_s[at] ?? 0) * 1_000).toTimeString().slice(0, 5);
  return `${index === null ? 'newest' : time}: stream ${formatRate(stream)}, link ${formatRate(link)}`;
}

/** Bytes per second over time: of the stream, and of what of it went over the link. */
export function ThroughputPlot({ data, label }: { data: PlotData; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef(data);
  newest.current = data;
  const paint = repaints.value;
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const onHover = (index: number | null): void => {
      if (readout.current !== null) readout.current.textContent = words(newest.current, index);
    };
    const { at_s, stream, link } = newest.current;
    const made = new uPlot(
      optionsFor(element.clientWidth, onHover),
      [[...at_s], [...stream], [...link]],
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: height_px }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [paint]);
  useEffect(() => {
    plot.current?.setData([[...data.at_s], [...data.stream], [...data.link]]);
    if (readout.current !== null) readout.current.textContent = words(data, null);
  }, [data, paint]);
  return (
    <figure class="plot" aria-label={label}>
      <figcaption class="plot-legend">
        <span class="plot-key plot-stream">stream, uncompressed</span>
        <span class="plot-key plot-link">link, as it was sent</span>
        <p ref={readout} class="plot-readout" aria-hidden="true" />
      </figcaption>
      <div
        ref={place}
        class="plot-place"
        role="img"
        aria-label={`${label}; the same stands in the table below`}
      />
    </figure>
  );
}
