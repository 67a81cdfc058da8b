import type { EventRecord } from '../../core/records.js';
import { Button } from '../ui/button.js';
import { formatTime } from '../ui/format.js';
import { transferWords } from '../ui/state_words.js';
import { stateRuns } from './travel.js';
import type { Travel } from './use_travel.js';
import { eventWords } from './words.js';
import { Sign } from './signs.js';

/** The states that it went through, as wide as the events that it had in each. */
function Strip({
  events,
  index,
  is_past,
}: {
  events: readonly EventRecord[];
  index: number;
  is_past: boolean;
}) {
  return (
    <div class="strip" aria-hidden="true">
      {stateRuns(events).map(({ state, from, to }) => (
        <span
          key={from}
          class={`strip-run tone-${transferWords(state).tone} ${from <= index && index <= to && is_past ? 'is-here' : ''} ${is_past && from > index ? 'is-later' : ''}`}
          style={{ flexGrow: to - from + 1 }}
          title={transferWords(state).word}
        />
      ))}
    </div>
  );
}

function placeWords({ event, index, seqs }: Travel): string {
  if (event === undefined) return '';
  const state = transferWords(event.state).word;
  return `Step ${index + 1} of ${seqs.length}: ${eventWords(event.event.type)}, then ${state}, ${formatTime(event.at_ms)}`;
}

/** Steps the chart, the state and what the actor knew through the past. */
export function Scrubber({ travel, events }: { travel: Travel; events: readonly EventRecord[] }) {
  const { at, index, seqs, is_playing, move, go, togglePlay, pressKey } = travel;
  const is_past = at !== null;
  const is_first = index === 0;
  return (
    <div class={`scrubber ${is_past ? 'is-past' : ''}`} role="group" aria-label="Through the past">
      <div class="scrubber-buttons">
        <Button
          kind="quiet"
          label="First step"
          title="First step (Home)"
          refusal={is_first ? 'it is the first' : ''}
          onClick={() => move('first')}
        >
          <Sign name="first" />
        </Button>
        <Button
          kind="quiet"
          label="Step back"
          title="Step back (←)"
          refusal={is_first ? 'it is the first' : ''}
          onClick={() => move('back')}
        >
          <Sign name="back" />
        </Button>
        <Button
          kind="quiet"
          label={is_playing ? 'Stop playing' : 'Play'}
          title="Play (Space)"
          is_pressed={is_playing}
          refusal={seqs.length < 2 ? 'there is but one step' : ''}
          onClick={togglePlay}
        >
          <Sign name={is_playing ? 'halt' : 'play'} />
        </Button>
        <Button
          kind="quiet"
          label="Step forward"
          title="Step forward (→)"
          refusal={is_past ? '' : 'this is now'}
          onClick={() => move('forward')}
        >
          <Sign name="forward" />
        </Button>
        <Button
          kind="quiet"
          label="To now"
          title="To now (End)"
          refusal={is_past ? '' : 'this is now'}
          onClick={() => move('now')}
        >
          <Sign name="last" />
        </Button>
      </div>
      <div class="scrubber-track">
        <Strip events={events} index={index} is_past={is_past} />
        <input
          type="range"
          class="scrubber-range"
          aria-label="Step of the history"
          aria-valuetext={is_past ? placeWords(travel) : 'now'}
          min={0}
          max={Math.max(0, seqs.length - 1)}
          value={index}
          disabled={seqs.length < 2}
          onInput={({ currentTarget }) => {
            const chosen = Number(currentTarget.value);
            go(chosen >= seqs.length - 1 ? null : (seqs[chosen] ?? null));
          }}
          onKeyDown={(event) => {
            const is_plain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
            if (is_plain && pressKey(event.key)) event.preventDefault();
          }}
        />
      </div>
      <p class="scrubber-words">
        {is_past ? (
          <>
            step <strong>{index + 1}</strong> of {seqs.length}
          </>
        ) : (
          <>
            <strong>now</strong>, after {seqs.length} steps
          </>
        )}
      </p>
    </div>
  );
}
