import { now_ms } from '../clock.js';
import { Button } from '../ui/button.js';
import { formatRelative, formatTime } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { transferWords } from '../ui/state_words.js';
import type { Travel } from './use_travel.js';
import { causeWords, eventDetails, eventWords } from './words.js';

/** Says that what is shown is not what is. */
export function PastBanner({ travel }: { travel: Travel }) {
  const { event, index, seqs, at, move } = travel;
  if (at === null || event === undefined) return null;
  const details = eventDetails(event);
  return (
    <div class="past" role="status">
      <div class="past-words">
        <p class="past-title">
          <strong>You look at the past</strong>
          <span>
            step {index + 1} of {seqs.length}
          </span>
          <span>
            {formatTime(event.at_ms)}, {formatRelative(event.at_ms, now_ms.value)}
          </span>
        </p>
        <p class="past-event">
          <StateBadge words={transferWords(event.state)} is_plain />
          <span>
            after <strong>{eventWords(event.event.type)}</strong>
            <span class="dim"> by {causeWords(event.cause)}</span>
            {details === '' ? null : <span> — {details}</span>}
          </span>
        </p>
      </div>
      <Button kind="primary" is_small onClick={() => move('now')}>
        Back to now
      </Button>
    </div>
  );
}
