import { useMemo } from 'preact/hooks';
import type { TransferReport } from '../../core/report.js';
import { now_ms, slow_now_ms } from '../clock.js';
import { transferPath } from '../routes.js';
import { progressOf } from '../store.js';
import { formatAgo, formatTime } from '../ui/format.js';
import { ProgressBar } from '../ui/progress_bar.js';
import { paceWords, percentOf, progressWords } from '../ui/progress_words.js';
import { StateBadge } from '../ui/state_badge.js';
import { shownState, transferWords } from '../ui/state_words.js';
import { canRedrive, outcomeWords } from './outcome.js';

/** A bar while bytes move, a line otherwise. */
function Outcome({ transfer }: { transfer: TransferReport }) {
  const live = progressOf(transfer.id).value;
  const progress = transfer.settled ? null : (live ?? transfer.progress);
  if (progress !== null && transfer.progress !== null) {
    const words = progressWords(progress);
    return (
      <span class="job-progress" title={words}>
        <ProgressBar progress={progress} label={`Progress of ${transfer.id}`} />
        <span class="job-progress-words">
          <b>{percentOf(progress)}</b> <span class="dim">{paceWords(progress)}</span>
        </span>
      </span>
    );
  }
  const is_soon = transfer.next_at_ms !== null && !transfer.settled;
  const words = outcomeWords(transfer, (is_soon ? now_ms : slow_now_ms).value);
  const tone = shownState(transfer) === 'failed' || transfer.parked_reason !== '' ? 'job-bad' : 'dim';
  return (
    <span class={`truncate ${tone}`} title={words}>
      {words}
    </span>
  );
}

function When({ at_ms }: { at_ms: number }) {
  return (
    <time dateTime={new Date(at_ms).toISOString()} title={formatTime(at_ms)}>
      {formatAgo(at_ms, slow_now_ms.value)}
    </time>
  );
}

interface Props {
  /** Undefined while it is loaded. */
  readonly transfer: TransferReport | undefined;
  readonly index: number;
  readonly is_selected: boolean;
  /** Whether the Tab key comes to it. */
  readonly is_reached: boolean;
  readonly onSelect: (transfer: TransferReport) => void;
}

/** One transfer in the list; all of it leads to its page. */
export function TransferRow({ transfer, index, is_selected, is_reached, onSelect }: Props) {
  return useMemo(() => {
    if (transfer === undefined) {
      return (
        <div class="job job-loading" role="row" aria-rowindex={index + 2}>
          <span role="gridcell" class="visually-hidden">
            Loading
          </span>
        </div>
      );
    }
    const { id, image, number, replica, state_description, created_at_ms, updated_at_ms } = transfer;
    const words = transferWords(shownState(transfer));
    return (
      <div class={`job ${is_selected ? 'job-selected' : ''}`} role="row" aria-rowindex={index + 2}>
        <span role="gridcell" class="job-check">
          {canRedrive(transfer) ? (
            <input
              type="checkbox"
              checked={is_selected}
              tabIndex={is_reached ? 0 : -1}
              aria-label={`Select ${id}`}
              onChange={() => onSelect(transfer)}
            />
          ) : null}
        </span>
        <span role="gridcell" class="job-state">
          <StateBadge
            {...{ words }}
            title={state_description}
            is_plain={words.tone === 'good' || words.tone === 'off'}
          />
        </span>
        <span role="gridcell" class="job-id">
          <a href={transferPath(id)} data-row={index} tabIndex={is_reached ? 0 : -1}>
            {id}
          </a>
        </span>
        <span role="gridcell" class="job-what truncate">
          {image} <b>{number}</b>
        </span>
        <span role="gridcell" class="job-to truncate">
          {replica}
        </span>
        <span role="gridcell" class="job-outcome">
          <Outcome transfer={transfer} />
        </span>
        <span role="gridcell" class="job-begun dim">
          <When at_ms={created_at_ms} />
        </span>
        <span role="gridcell" class="job-changed dim">
          <When at_ms={updated_at_ms} />
        </span>
      </div>
    );
  }, [transfer, index, is_selected, is_reached, onSelect]);
}
