import type { VNode } from 'preact';
import type { CopyReport } from '../../core/fleet_report.js';
import { progressOf } from '../store.js';
import { fractionOf } from '../ui/format.js';
import { copyWords } from '../ui/state_words.js';
import { cellSentence, cellWords } from './copy_words.js';

interface CellProps {
  readonly copy: CopyReport;
  /** How long it lacks something, seconds. */
  readonly lag_s: number;
  /** Whether the Tab key comes to it. */
  readonly is_reached: boolean;
  /** Whether there is room for words. */
  readonly is_roomy: boolean;
  readonly place: string;
}

const offline_class = (copy: CopyReport): string => (copy.is_online ? '' : ' cell-offline');

/** A copy that bytes go to: how far it is, as it moves. */
function MovingCell({ copy, lag_s, is_reached, is_roomy, place }: CellProps) {
  const progress = progressOf(copy.transfers[0] ?? '').value;
  const fraction = progress === null ? null : fractionOf(progress.stream_bytes, progress.total_bytes);
  return (
    <button
      type="button"
      class={`cell shape-arrow tone-moving cell-in_transfer${offline_class(copy)}`}
      aria-label={cellSentence(copy, lag_s)}
      aria-haspopup="dialog"
      tabIndex={is_reached ? 0 : -1}
      data-place={place}
      data-copy={`${copy.replica}/${copy.image}`}
    >
      {cellWords(copy, lag_s, progress, is_roomy)}
      <span class="cell-bar" style={{ transform: `scaleX(${fraction ?? 0})` }} />
    </button>
  );
}

/**
 * One copy as a button: its shape, as little text as says it, and how far its transfer is. There are thousands of
 * them: one at rest is as few nodes as can be, and its shape is of the styles.
 */
export function copyCell(props: CellProps): VNode {
  const { copy, lag_s, is_reached, is_roomy, place } = props;
  if (copy.state === 'in_transfer') return <MovingCell {...props} />;
  const { tone, shape } = copyWords(copy.state);
  return (
    <button
      type="button"
      class={`cell shape-${shape} tone-${tone} cell-${copy.state}${offline_class(copy)}`}
      aria-label={cellSentence(copy, lag_s)}
      aria-haspopup="dialog"
      tabIndex={is_reached ? 0 : -1}
      data-place={place}
      data-copy={`${copy.replica}/${copy.image}`}
    >
      {cellWords(copy, lag_s, null, is_roomy)}
    </button>
  );
}
