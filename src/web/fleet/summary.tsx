import type { CopyReport, FleetReport } from '../../core/fleet_report.js';
import { slow_now_ms } from '../clock.js';
import { formatCount, formatShortDuration } from '../ui/format.js';
import { Icon } from '../ui/shapes.js';
import { copyWords, replicaWords, type StateWords } from '../ui/state_words.js';
import { lagNow } from './copy_words.js';
import { copy_states, type FleetSummary } from './fleet_model.js';

interface Props {
  readonly summary: FleetSummary;
  readonly report: FleetReport;
  /** States that are filtered by. */
  readonly states: readonly string[];
  readonly onToggle: (state: string) => void;
  readonly onPick: (copy: CopyReport, anchor: HTMLElement) => void;
}

interface NumberProps {
  readonly words: StateWords;
  readonly count: number;
  readonly of?: string;
  readonly is_pressed: boolean;
  readonly onClick: () => void;
}

function StateNumber({ words: { word, tone, shape }, count, of, is_pressed, onClick }: NumberProps) {
  return (
    <button
      type="button"
      class={`sum tone-${count === 0 ? 'off' : tone}`}
      aria-pressed={is_pressed}
      title={is_pressed ? 'Show all' : `Show only: ${word}`}
      onClick={onClick}
    >
      <span class="sum-count">
        {formatCount(count)}
        {of === undefined ? null : <span class="sum-of"> of {of}</span>}
      </span>
      <span class="sum-word">
        <Icon name={shape} />
        {word}
      </span>
    </button>
  );
}

/** Shares of all copies, side by side. */
function Shares({ by_state, copies }: FleetSummary) {
  return (
    <div class="shares" aria-hidden="true">
      {copy_states.map((state) => (
        <span
          key={state}
          class={`tone-${copyWords(state).tone} share-${state}`}
          style={{ flexGrow: copies === 0 ? 0 : by_state[state] }}
        />
      ))}
    </div>
  );
}

/** The state of the fleet in a few numbers, each a filter. */
export function Summary({ summary, report, states, onToggle, onPick }: Props) {
  const { by_state, offline, replicas, slowest } = summary;
  const rare = new Set(['empty', 'unknown']);
  return (
    <section class="summary card" aria-label="Summary">
      <Shares {...summary} />
      <div class="sums">
        {copy_states.map((state) =>
          rare.has(state) && by_state[state] === 0 && !states.includes(state) ? null : (
            <StateNumber
              key={state}
              words={copyWords(state)}
              count={by_state[state]}
              is_pressed={states.includes(state)}
              onClick={() => onToggle(state)}
            />
          ),
        )}
        <StateNumber
          words={{ ...replicaWords('offline'), word: 'replicas offline' }}
          count={offline}
          of={formatCount(replicas)}
          is_pressed={states.includes('offline')}
          onClick={() => onToggle('offline')}
        />
        <div class="sum sum-lag">
          {slowest === null ? (
            <>
              <span class="sum-count">0 s</span>
              <span class="sum-word">longest lag</span>
            </>
          ) : (
            <button
              type="button"
              class="sum-button"
              title="Show this copy"
              onClick={(event) => onPick(slowest, event.currentTarget)}
            >
              <span class="sum-count">
                {formatShortDuration(lagNow(slowest, report.at_ms, slow_now_ms.value))}
              </span>
              <span class="sum-word">
                <span class="truncate">
                  longest lag: {slowest.image} on {slowest.replica}
                </span>
              </span>
            </button>
          )}
        </div>
      </div>
    </section>
  );
}
