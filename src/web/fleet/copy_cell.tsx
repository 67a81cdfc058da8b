import type { CopyReport } from '../../core/fleet_report.js';
import { slow_now_ms } from '../clock.js';
import { progressOf } from '../store.js';
import { fractionOf } from '../ui/format.js';
import { Icon } from '../ui/shapes.js';
import { copyWords } from '../ui/state_words.js';
import { cellSentence, cellWords, lagNow } from './copy_words.js';

interface Props {
  readonly copy: CopyReport;
  readonly report_at_ms: number;
  readonly is_reached: boolean;
  readonly place: string;
  /** Whether there is room for words. */
  readonly is_roomy: boolean;
}

/** One copy as a button: its shape, as little text as says it, and how far its transfer is. */
export function CopyCell({ copy, report_at_ms, is_reached, place, is_roomy }: Props) {
  const { tone, shape } = copyWords(copy.state);
  const lag_s = lagNow(copy, report_at_ms, slow_now_ms.value);
  const transfer = copy.transfers[0];
  const progress = transfer === undefined ? null : progressOf(transfer).value;
  const fraction = progress === null ? null : fractionOf(progress.stream_bytes, progress.total_bytes);
  const sentence = cellSentence(copy, lag_s);
  return (
    <button
      type="button"
      class={`cell tone-${tone} cell-${copy.state} ${copy.is_online ? '' : 'cell-offline'}`}
      aria-label={sentence}
      aria-haspopup="dialog"
      title={sentence}
      tabIndex={is_reached ? 0 : -1}
      data-place={place}
      data-copy={`${copy.replica}/${copy.image}`}
    >
      <Icon name={shape} />
      <span class="cell-words">{cellWords(copy, lag_s, progress, is_roomy)}</span>
      {copy.state === 'in_transfer' ? (
        <span class="cell-bar" style={{ transform: `scaleX(${fraction ?? 0})` }} />
      ) : null}
    </button>
  );
}
