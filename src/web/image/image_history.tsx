import { useEffect } from 'preact/hooks';
import type { ImageHistoryReport } from '../../core/report.js';
import { get, part } from '../api.js';
import { onEventsOf } from '../live.js';
import { useResource } from '../resource.js';
import { merged } from '../transfer/merge.js';
import { causeWords, effectWords, eventDetails, eventWords, spaced } from '../transfer/words.js';
import { EmptyState, ErrorBox, Loading } from '../ui/boxes.js';
import { formatDuration, formatTime } from '../ui/format.js';
import { imageWords } from '../ui/state_words.js';

const events_shown = 30;

/** What happened to an image on the master, the newest first. */
export function ImageHistory({ name }: { name: string }) {
  const { data, error, reload, change } = useResource(`history of ${name}`, (until) =>
    get<ImageHistoryReport>(`images/${part(name)}/history`, { limit: events_shown }, until),
  );
  useEffect(
    () =>
      onEventsOf({ kind: 'image', id: name }, (event) =>
        change((old) => ({ ...old, ...merged(old, { events: [event], effects: [] }) })),
      ),
    [name, change],
  );
  const effects = new Map((data?.effects ?? []).map((effect) => [effect.seq, effect]));
  return (
    <section class="card block" aria-labelledby="history-title">
      <header class="card-head">
        <h2 id="history-title">History</h2>
      </header>
      {error === null ? null : <ErrorBox error={error} onRetry={reload} />}
      {data === undefined && error === null ? <Loading what="its history" rows={4} /> : null}
      {data?.events.length === 0 ? <EmptyState title="Nothing has happened yet" /> : null}
      <ol class="short-history" reversed>
        {data?.events
          .toReversed()
          .slice(0, events_shown)
          .map((record) => {
            const effect = effects.get(record.seq);
            const details = eventDetails(record);
            const { ended_at_ms = null, started_at_ms = 0 } = effect ?? {};
            const took =
              ended_at_ms === null ? '' : `, ${formatDuration((ended_at_ms - started_at_ms) / 1_000)}`;
            return (
              <li key={record.seq} class={record.handled ? '' : 'is-ignored'}>
                <time dateTime={new Date(record.at_ms).toISOString()}>{formatTime(record.at_ms)}</time>
                <span>
                  <strong>{eventWords(record.event.type)}</strong>
                  {record.state === record.state_before ? '' : ` → ${imageWords(record.state).word}`}
                  <span class="dim">
                    {' '}
                    by {causeWords(record.cause)}
                    {details === '' ? '' : `: ${details}`}
                    {record.ignored_reason === '' ? '' : `; ignored: ${record.ignored_reason}`}
                    {effect === undefined ? '' : `; ${spaced(effect.kind)} ${effectWords(effect)}${took}`}
                  </span>
                </span>
              </li>
            );
          })}
      </ol>
    </section>
  );
}
