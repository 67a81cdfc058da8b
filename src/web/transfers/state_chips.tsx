import { formatCount } from '../ui/format.js';
import { Icon } from '../ui/shapes.js';
import { transferWords, transfer_states } from '../ui/state_words.js';

interface Props {
  readonly counts: Readonly<Record<string, number>>;
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** A chip for each state that some transfer is in, with how many are. */
export function StateChips({ counts, chosen, onChange }: Props) {
  const others = Object.keys(counts).filter((state) => !transfer_states.includes(state));
  const shown = [...transfer_states, ...others].filter(
    (state) => (counts[state] ?? 0) > 0 || chosen.includes(state),
  );
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <div class="chips" role="group" aria-label="States">
      <button
        type="button"
        class="chip chip-all"
        aria-pressed={chosen.length === 0}
        onClick={() => onChange([])}
      >
        all <span class="chip-count">{formatCount(all)}</span>
      </button>
      {shown.map((state) => {
        const { word, tone, shape } = transferWords(state);
        const is_chosen = chosen.includes(state);
        return (
          <button
            key={state}
            type="button"
            class={`chip tone-${tone}`}
            aria-pressed={is_chosen}
            onClick={() => onChange(is_chosen ? chosen.filter((one) => one !== state) : [...chosen, state])}
          >
            <Icon name={shape} />
            {word} <span class="chip-count">{formatCount(counts[state] ?? 0)}</span>
          </button>
        );
      })}
    </div>
  );
}
