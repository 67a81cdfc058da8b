import { memo } from '../memo.js';
import { now_ms } from '../clock.js';
import { formatDuration, formatTime } from '../ui/format.js';
import { Icon } from '../ui/shapes.js';
import { transferWords } from '../ui/state_words.js';
import { type Span, type TimelineEntry, type TimelineSection, isEndOf } from './spans.js';
import {
  causeWords,
  effectWords,
  eventDetails,
  eventWords,
  guardWords,
  intentWords,
  spaced,
} from './words.js';

interface Props {
  readonly entry: TimelineEntry;
  readonly section: TimelineSection;
  readonly is_chosen: boolean;
  readonly onChoose: (seq: number) => void;
}

const effect_tones: Readonly<Record<Span['effect']['status'], string>> = {
  running: 'moving',
  done: 'good',
  failed: 'bad',
  stopped: 'off',
  lost: 'warning',
};

/** Work as a bar: where in its attempt it began, and how much of it it took. */
function SpanBar({ span, section }: { span: Span; section: TimelineSection }) {
  const { effect, duration_ms } = span;
  const until_ms = duration_ms === null ? now_ms.value - effect.started_at_ms : duration_ms;
  const whole_ms = Math.max(1, section.duration_ms, effect.started_at_ms - section.begun_at_ms + until_ms);
  const begin = Math.min(0.99, Math.max(0, (effect.started_at_ms - section.begun_at_ms) / whole_ms));
  const size = Math.min(1 - begin, Math.max(0.01, until_ms / whole_ms));
  return (
    <div class={`span tone-${effect_tones[effect.status]} is-${effect.status}`}>
      <p class="span-words">
        <span class="span-kind">{spaced(effect.kind)}</span>
        <span class="span-time">{formatDuration(Math.max(0, until_ms) / 1_000)}</span>
        <span class="span-end">{effectWords(effect)}</span>
      </p>
      <span class="span-track" aria-hidden="true">
        <span class="span-bar" style={{ left: `${begin * 100}%`, width: `${size * 100}%` }} />
      </span>
    </div>
  );
}

function Reported({ span, record }: { span: Span; record: TimelineEntry['record'] }) {
  const { effect, duration_ms } = span;
  const is_end = isEndOf(record, effect);
  return (
    <span>
      {is_end ? 'end of ' : 'from '}
      {spaced(effect.kind)}, begun with #{effect.seq}
      {is_end && duration_ms !== null ? `, after ${formatDuration(duration_ms / 1_000)}` : ''}
    </span>
  );
}

function Small({ entry }: { entry: TimelineEntry }) {
  const { record } = entry;
  const refused = record.guards.filter(({ passed }) => !passed);
  const asked = record.intents
    .map((intent) => intentWords(intent, record.at_ms))
    .filter((words) => words !== '');
  return (
    <>
      {record.ignored_reason === '' ? null : <p class="step-ignored">Ignored: {record.ignored_reason}</p>}
      {refused.length === 0 || !record.handled ? null : (
        <p class="step-small">asked itself: {refused.map(guardWords).join('; ')}</p>
      )}
      {asked.length === 0 ? null : <p class="step-small">{asked.join('; ')}</p>}
    </>
  );
}

function Row({ entry, section, is_chosen, onChoose }: Props) {
  const { record, delta_ms, spans, reported } = entry;
  const { seq, at_ms, state, state_before, handled, cause, event } = record;
  const { tone, shape, word } = transferWords(state);
  const details = eventDetails(record);
  const is_change = state !== state_before;
  const classes = ['step', `tone-${tone}`, handled ? '' : 'is-ignored', is_change ? 'is-change' : ''];
  return (
    <li class={classes.join(' ')} aria-current={is_chosen ? 'step' : undefined} data-seq={seq}>
      <div class="step-when">
        <time dateTime={new Date(at_ms).toISOString()} title={formatTime(at_ms)}>
          {formatTime(at_ms).slice(11)}
        </time>
        <span class="step-delta">{delta_ms === null ? '' : `+${formatDuration(delta_ms / 1_000)}`}</span>
      </div>
      <span class="step-mark" aria-hidden="true">
        {is_change && handled ? <Icon name={shape} /> : <span class="step-dot" />}
      </span>
      <div class={`step-what ${spans.length > 0 ? 'has-spans' : ''}`}>
        <div>
          <p class="step-head">
            <button
              type="button"
              class="step-seq"
              title={`Show how it was after event ${seq}`}
              onClick={() => onChoose(seq)}
            >
              <span class="step-name">{eventWords(event.type)}</span>
              <span class="step-number">#{seq}</span>
            </button>
            {is_change ? (
              <span class="step-state">
                <span class="visually-hidden">, then </span>
                <span aria-hidden="true">→ </span>
                {word}
              </span>
            ) : null}
          </p>
          {details === '' ? null : <p class="step-details">{details}</p>}
          <p class="step-cause">
            {reported === null ? causeWords(cause) : <Reported span={reported} record={record} />}
          </p>
          <Small entry={entry} />
        </div>
        {spans.length === 0 ? null : (
          <div>
            {spans.map((span) => (
              <SpanBar key={span.effect.id} span={span} section={section} />
            ))}
          </div>
        )}
      </div>
    </li>
  );
}

/** One event: drawn again only when something of it has changed, for there may be many. */
export const TimelineRow = memo(
  Row,
  (old, now) =>
    old.entry.record === now.entry.record &&
    old.is_chosen === now.is_chosen &&
    old.entry.reported?.effect === now.entry.reported?.effect &&
    old.entry.spans.length === now.entry.spans.length &&
    old.entry.spans.every(({ effect }, index) => effect === now.entry.spans[index]?.effect) &&
    (old.entry.spans.length === 0 || old.section.duration_ms === now.section.duration_ms),
);
