import type { ProgressReport } from '../../core/report.js';
import { formatBytes, formatDuration, formatRate, fractionOf } from './format.js';

interface Props {
  readonly progress: ProgressReport;
  readonly label: string;
}

/** How much of it is there, in percent; empty while the total is unknown. */
export function percentOf({ stream_bytes, total_bytes }: ProgressReport): string {
  const fraction = fractionOf(stream_bytes, total_bytes);
  return fraction === null ? '' : `${Math.floor(fraction * 100)} %`;
}

/** The bytes of a transfer in words: `1.2 of 4.0 GiB, 210 MiB/s, 14 s left`. */
export function progressWords({
  stream_bytes,
  total_bytes,
  rate_bytes_per_s,
  eta_s,
}: ProgressReport): string {
  const parts = [
    total_bytes === null
      ? formatBytes(stream_bytes)
      : `${formatBytes(stream_bytes)} of about ${formatBytes(total_bytes)}`,
  ];
  if (rate_bytes_per_s > 0) parts.push(formatRate(rate_bytes_per_s));
  if (eta_s !== null) parts.push(`${formatDuration(Math.ceil(eta_s))} left`);
  return parts.join(', ');
}

/** A bar; where the total is unknown, one that says only that something moves. */
export function ProgressBar({ progress, label }: Props) {
  const fraction = fractionOf(progress.stream_bytes, progress.total_bytes);
  return (
    <span
      class={fraction === null ? 'bar bar-unknown' : 'bar'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={fraction === null ? undefined : Math.floor(fraction * 100)}
      aria-valuetext={progressWords(progress)}
    >
      <span class="bar-done" style={{ transform: `scaleX(${fraction ?? 1})` }} />
    </span>
  );
}
