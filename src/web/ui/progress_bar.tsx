import type { ProgressReport } from '../../core/report.js';
import { fractionOf } from './format.js';
import { progressWords } from './progress_words.js';

interface Props {
  readonly progress: ProgressReport;
  readonly label: string;
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
