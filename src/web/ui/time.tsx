import { now_ms } from '../clock.js';
import { formatRelative, formatTime } from './format.js';

/** How long ago, or how soon, with the exact time under the pointer. */
export function Time({ at_ms }: { at_ms: number }) {
  return (
    <time dateTime={new Date(at_ms).toISOString()} title={formatTime(at_ms)}>
      {formatRelative(at_ms, now_ms.value)}
    </time>
  );
}

/** The exact time, with how long ago behind it. */
export function FullTime({ at_ms }: { at_ms: number }) {
  return (
    <time dateTime={new Date(at_ms).toISOString()}>
      {formatTime(at_ms)} <span class="dim">({formatRelative(at_ms, now_ms.value)})</span>
    </time>
  );
}
