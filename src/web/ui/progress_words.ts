/** Progress in words. */
import type { ProgressReport } from '../../core/report.js';
import { formatBytes, formatDuration, formatRate, fractionOf } from './format.js';

/** How much of it is there, in percent; empty while the total is unknown. */
export function percentOf({ stream_bytes, total_bytes }: ProgressReport): string {
  const fraction = fractionOf(stream_bytes, total_bytes);
  return fraction === null ? '' : `${Math.floor(fraction * 100)} %`;
}

/** How fast it goes and how long it takes, where there is no room for more. */
export function paceWords({ stream_bytes, total_bytes, rate_bytes_per_s, eta_s }: ProgressReport): string {
  const parts = total_bytes === null ? [formatBytes(stream_bytes)] : [];
  if (rate_bytes_per_s > 0) parts.push(formatRate(rate_bytes_per_s));
  if (eta_s !== null) parts.push(`${formatDuration(Math.ceil(eta_s))} left`);
  return parts.join(', ');
}

/** The bytes of a transfer in words: `1.20 GiB of about 4.00 GiB, 210 MiB/s, 14 s left`. */
export function progressWords(progress: ProgressReport): string {
  const { stream_bytes, total_bytes, rate_bytes_per_s, eta_s } = progress;
  const done = formatBytes(stream_bytes);
  const parts = [total_bytes === null ? done : `${done} of about ${formatBytes(total_bytes)}`];
  if (rate_bytes_per_s > 0) parts.push(formatRate(rate_bytes_per_s));
  if (eta_s !== null) parts.push(`${formatDuration(Math.ceil(eta_s))} left`);
  return parts.join(', ');
}
