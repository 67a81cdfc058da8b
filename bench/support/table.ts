import { type Sample, median } from './measure.js';

export interface Row {
  readonly name: string;
  readonly samples: readonly Sample[];
}

const seconds = (value: number): string => value.toFixed(2);

/** Ratios run by run, since the machine's speed drifts; the median of them. */
export function medianRatio(row: Row, base: Row, of: (sample: Sample) => number): number {
  return median(
    row.samples.map((sample, index) => {
      const other = base.samples[index];
      return other === undefined ? Number.NaN : of(sample) / of(other);
    }),
  );
}

export const wallOf = (sample: Sample): number => sample.wall_s;
export const streamOf = (sample: Sample): number => sample.parts_s['stream'] ?? Number.NaN;

/** A Markdown table: medians over the runs, and the ratios to the first row, called `base_name`. */
export function table(rows: readonly Row[], base_name = 'raw'): string {
  const [base] = rows;
  if (base === undefined) return '';
  const lines = rows.map((row) => {
    const peak = (role: string): string => {
      const values = row.samples.map((sample) => sample.peak_mb[role] ?? 0);
      return Math.max(...values) === 0 ? '' : Math.max(...values).toFixed(0);
    };
    return [
      row.name.replaceAll('|', '\\|'),
      seconds(median(row.samples.map(streamOf))),
      medianRatio(row, base, streamOf).toFixed(2),
      seconds(median(row.samples.map(wallOf))),
      medianRatio(row, base, wallOf).toFixed(2),
      seconds(median(row.samples.map(({ cpu_s }) => cpu_s))),
      peak('master'),
      peak('replica'),
    ];
  });
  const head = [
    'way',
    'stream s',
    `to ${base_name}`,
    'durable s',
    `to ${base_name}`,
    'CPU s',
    'master peak MB',
    'replica peak MB',
  ];
  const all = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...lines];
  return all.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** One line for a figure that was aimed at. */
export function verdict(
  what: string,
  value: number,
  isReached: (value: number) => boolean,
  aim: string,
): string {
  return `- ${isReached(value) ? 'reached' : 'NOT reached'}: ${what}: ${value.toFixed(2)} (aim: ${aim})`;
}
