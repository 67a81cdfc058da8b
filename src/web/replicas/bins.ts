/** Bytes of steps of time, made ready to be drawn and read. */
import type { ThroughputReport } from '../../core/fleet_report.js';

/** Aligned columns, as the plot takes them. */
export interface PlotData {
  /** Begin of each step, unix s, without gaps. */
  readonly at_s: readonly number[];
  /** Bytes per second. */
  readonly stream: readonly number[];
  readonly link: readonly number[];
}

/** Steps in which nothing went are 0. The first belongs to it whole; the last, which is not over, is left out. */
export function plotData({ step_s, samples }: ThroughputReport, from_s: number, to_s: number): PlotData {
  const first_s = Math.floor(from_s / step_s) * step_s;
  const count = Math.max(1, Math.floor((to_s - first_s) / step_s));
  const stream = Array.from({ length: count }, () => 0);
  const link = Array.from({ length: count }, () => 0);
  for (const { at_s, stream_bytes, link_bytes } of samples) {
    const index = Math.floor((at_s - first_s) / step_s);
    if (index < 0 || index >= count) continue;
    stream[index] = (stream[index] ?? 0) + stream_bytes / step_s;
    link[index] = (link[index] ?? 0) + link_bytes / step_s;
  }
  return { at_s: stream.map((_, index) => first_s + index * step_s), stream, link };
}

/** A row of the plot's table. */
export interface ThroughputRow {
  readonly begin_s: number;
  readonly end_s: number;
  readonly stream_bytes: number;
  readonly link_bytes: number;
  /** Of the fastest step in it, bytes per second of stream. */
  readonly peak_bytes_per_s: number;
}

/** The same in few rows; those in which nothing went are left out. */
export function throughputRows(
  { step_s, samples }: ThroughputReport,
  from_s: number,
  to_s: number,
  row_s: number,
): ThroughputRow[] {
  const rows = new Map<number, ThroughputRow>();
  for (const { at_s, stream_bytes, link_bytes } of samples) {
    if (at_s + step_s <= from_s || at_s > to_s) continue;
    const begin_s = Math.floor(at_s / row_s) * row_s;
    const known = rows.get(begin_s);
    rows.set(begin_s, {
      begin_s,
      end_s: begin_s + row_s,
      stream_bytes: (known?.stream_bytes ?? 0) + stream_bytes,
      link_bytes: (known?.link_bytes ?? 0) + link_bytes,
      peak_bytes_per_s: Math.max(known?.peak_bytes_per_s ?? 0, stream_bytes / step_s),
    });
  }
  return [...rows.values()].toSorted((one, other) => one.begin_s - other.begin_s);
}

export interface PlotRange {
  readonly name: string;
  readonly words: string;
  readonly length_s: number;
  readonly step_s: number;
  /** Of the table. */
  readonly row_s: number;
}

/** Each with some hundreds of steps: as many as a screen can show. */
export const plot_ranges: readonly PlotRange[] = [
  { name: '1h', words: 'the last hour', length_s: 3_600, step_s: 10, row_s: 300 },
  { name: '24h', words: 'the last 24 hours', length_s: 86_400, step_s: 300, row_s: 3_600 },
  { name: '7d', words: 'the last 7 days', length_s: 604_800, step_s: 1_800, row_s: 21_600 },
];

/** What stands beside an axis: the same unit for all of its marks, powers of two. */
export function axisLabels(bytes_per_s: readonly number[]): string[] {
  const units = ['B/s', 'KiB/s', 'MiB/s', 'GiB/s', 'TiB/s'];
  const top = Math.max(0, ...bytes_per_s);
  const unit = Math.min(units.length - 1, top <= 0 ? 0 : Math.floor(Math.log2(top) / 10));
  return bytes_per_s.map((value) => {
    const shown = value / 1_024 ** unit;
    return value === 0 ? '0' : `${Number(shown.toFixed(2))} ${units[unit]}`;
  });
}

/** Marks at round numbers of binary units, from 0 to at least `top`. */
export function axisSplits(top: number): number[] {
  if (top <= 0) return [0, 1_024];
  const rough = top / 4;
  const power = 1_024 ** Math.floor(Math.log2(rough) / 10);
  const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_024].map((size) => size * Math.max(1, power));
  const size = sizes.find((candidate) => candidate >= rough) ?? rough;
  return Array.from({ length: Math.ceil(top / size) + 1 }, (_, index) => index * size);
}
