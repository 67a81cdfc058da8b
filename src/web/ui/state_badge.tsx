import { Icon } from './shapes.js';
import type { StateWords } from './state_words.js';

interface Props {
  readonly words: StateWords;
  /** More about it, for the pointer and screen readers. */
  readonly title?: string;
  /** Without the tinted ground, for places with many. */
  readonly is_plain?: boolean;
}

/** A state as shape, word and colour. */
export function StateBadge({ words: { word, tone, shape }, title, is_plain = false }: Props) {
  return (
    <span class={`badge tone-${tone} ${is_plain ? 'badge-plain' : ''}`} title={title}>
      <Icon name={shape} />
      <span>{word}</span>
    </span>
  );
}
