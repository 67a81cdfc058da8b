import { useMemo, useState } from 'preact/hooks';
import type { EventRecord } from '../../core/records.js';
import { now_ms } from '../clock.js';
import { Button } from '../ui/button.js';
import { formatDuration, formatNumberOf, formatTime } from '../ui/format.js';
import { StateBadge } from '../ui/state_badge.js';
import { type StateWords, replicaWords } from '../ui/state_words.js';
import { type Period, marksOf, periodsOf, shareWords, sharesOf } from './periods.js';

const ranges = [
  { name: '24 h', words: 'the last 24 hours', length_ms: 86_400_000 },
  { name: '7 d', words: 'the last 7 days', length_ms: 604_800_000 },
] as const;

type Range = (typeof ranges)[number];

const unknown_words: StateWords = { word: 'not known', tone: 'off', shape: 'question' };
const wordsOf = (state: string): StateWords => (state === '' ? unknown_words : replicaWords(state));

const percent = (part: number): string => `${(part * 100).toFixed(3)}%`;

function markWords(at_ms: number, { length_ms }: Range): string {
  const time = formatTime(at_ms);
  return length_ms > 2 * 86_400_000 ? time.slice(5, 10) : time.slice(11, 16);
}

function Strip({
  periods,
  from_ms,
  to_ms,
  range,
}: {
  periods: readonly Period[];
  from_ms: number;
  to_ms: number;
  range: Range;
}) {
  const place = (at_ms: number): string => percent((at_ms - from_ms) / (to_ms - from_ms));
  return (
    <div class="alive" aria-hidden="true">
      <div class="alive-strip">
        {periods.map(({ state, begin_ms, end_ms, reason }) => {
          const { word, tone } = wordsOf(state);
          const lasted = formatDuration((end_ms - begin_ms) / 1_000);
          return (
            <span
              key={begin_ms}
              class={`alive-period tone-${tone} is-${state === '' ? 'unknown' : state}`}
              style={{ left: place(begin_ms), width: percent((end_ms - begin_ms) / (to_ms - from_ms)) }}
              title={`${word} for ${lasted}, from ${formatTime(begin_ms)}${reason === '' ? '' : `: ${reason}`}`}
            />
          );
        })}
      </div>
      <div class="alive-marks">
        {marksOf(from_ms, to_ms, 8).map((at_ms) => (
          <span key={at_ms} class="alive-mark" style={{ left: place(at_ms) }}>
            {markWords(at_ms, range)}
          </span>
        ))}
      </div>
    </div>
  );
}

const rows_shown = 100;

function Table({ periods }: { periods: readonly Period[] }) {
  return (
    <details class="twin" open={periods.length <= 6}>
      <summary>{formatNumberOf(periods.length, 'time')} as a table</summary>
      <div class="table-scroll" tabIndex={0} role="group" aria-label="Table of the keep-alive history">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">State</th>
              <th scope="col">For</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {periods
              .toReversed()
              .slice(0, rows_shown)
              .map(({ state, begin_ms, end_ms, reason }) => (
                <tr key={begin_ms}>
                  <td>{formatTime(begin_ms)}</td>
                  <td>
                    <StateBadge words={wordsOf(state)} is_plain />
                  </td>
                  <td>{formatDuration((end_ms - begin_ms) / 1_000)}</td>
                  <td class="why">{reason}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** When it was there, and when not. @param events after which its state was another one, oldest first */
export function KeepAliveHistory({ events, omitted }: { events: readonly EventRecord[]; omitted: number }) {
  const [range, setRange] = useState<Range>(ranges[0]);
  // Moves once a minute: a strip of a day does not show less.
  const to_ms = Math.ceil(now_ms.value / 60_000) * 60_000;
  const from_ms = to_ms - range.length_ms;
  const periods = useMemo(() => periodsOf(events, from_ms, to_ms), [events, from_ms, to_ms]);
  const shares = sharesOf(periods);
  const there = (shares.get('online') ?? 0) + (shares.get('back') ?? 0);
  const first_ms = events[0]?.at_ms ?? 0;
  return (
    <section class="card block" aria-labelledby="alive-title">
      <header class="card-head">
        <h2 id="alive-title">
          Keep-alives{' '}
          <span class="count">{shares.size === 0 ? '' : `there ${shareWords(there)} of ${range.words}`}</span>
        </h2>
        <div class="range-choice" role="group" aria-label="How far back">
          {ranges.map((choice) => (
            <Button key={choice.name} is_small is_pressed={choice === range} onClick={() => setRange(choice)}>
              {choice.name}
            </Button>
          ))}
        </div>
      </header>
      <div class="block-body">
        <Strip {...{ periods, from_ms, to_ms, range }} />
        <ul class="alive-legend">
          {[...shares].map(([state, share]) => (
            <li key={state}>
              <StateBadge words={wordsOf(state)} is_plain /> <span class="dim">{shareWords(share)}</span>
            </li>
          ))}
        </ul>
        {omitted > 0 && first_ms > from_ms ? (
          <p class="dim">What was before {formatTime(first_ms)} is too much to be shown here.</p>
        ) : null}
        <Table periods={periods} />
      </div>
    </section>
  );
}
