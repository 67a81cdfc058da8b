import { useMemo, useState } from 'preact/hooks';
import type { TransferView } from './use_transfer.js';
import { Button } from '../ui/button.js';
import { EmptyState } from '../ui/boxes.js';
import { formatCount, formatDuration, formatNumberOf, formatTime } from '../ui/format.js';
import {
  type TimelineFilter,
  type TimelineSection,
  filterTimeline,
  timelineOf,
  timeline_filters,
} from './spans.js';
import { TimelineRow } from './timeline_row.js';
import type { Travel } from './use_travel.js';

interface Props {
  readonly view: TransferView;
  readonly travel: Travel;
  readonly loadOlder: () => Promise<void>;
}

const filter_words: Readonly<Record<TimelineFilter, string>> = {
  all: 'All',
  changes: 'Changes',
  problems: 'Problems',
};

/** So many rows are drawn; older ones when somebody asks. */
const rows_at_once = 200;

/** The newest first: the newest sections, cut where there are enough rows. */
function newestRows(sections: readonly TimelineSection[], most: number) {
  const shown: TimelineSection[] = [];
  let left = most;
  for (const section of sections.toReversed()) {
    if (left <= 0) break;
    const entries = section.entries.slice(-left).toReversed();
    left -= entries.length;
    shown.push({ ...section, entries });
  }
  return shown;
}

function Heading({ section }: { section: TimelineSection }) {
  const { attempt, begun_at_ms, duration_ms } = section;
  return (
    <h3 class="attempt">
      <span class="attempt-name">{attempt === 0 ? 'Before the first attempt' : `Attempt ${attempt}`}</span>
      <span class="dim">
        {formatTime(begun_at_ms)}
        {duration_ms > 0 ? `, for ${formatDuration(duration_ms / 1_000)}` : ''}
      </span>
    </h3>
  );
}

function Filters({
  filter,
  onChoose,
}: {
  filter: TimelineFilter;
  onChoose: (filter: TimelineFilter) => void;
}) {
  return (
    <div class="timeline-filters" role="group" aria-label="Which events">
      {timeline_filters.map((name) => (
        <Button key={name} is_small is_pressed={filter === name} onClick={() => onChoose(name)}>
          {filter_words[name]}
        </Button>
      ))}
    </div>
  );
}

/** All that happened, the newest on top, in sections by attempt. */
export function Timeline({ view, travel, loadOlder }: Props) {
  const [filter, setFilter] = useState<TimelineFilter>('all');
  const [most, setMost] = useState(rows_at_once);
  const [is_loading, setLoading] = useState(false);
  const { events, effects, omitted } = view;
  const sections = useMemo(() => timelineOf(events, effects), [events, effects]);
  const filtered = useMemo(() => filterTimeline(sections, filter), [sections, filter]);
  const shown = newestRows(filtered, most);
  const count = filtered.reduce((sum, { entries }) => sum + entries.length, 0);
  const showOlder = async (): Promise<void> => {
    setMost(most + rows_at_once);
    if (count > most || omitted === 0) return;
    setLoading(true);
    await loadOlder().finally(() => setLoading(false));
  };
  const left = Math.max(0, count - most) + (filter === 'all' ? omitted : 0);
  return (
    <section class="card timeline" aria-labelledby="timeline-title">
      <header class="card-head">
        <h2 id="timeline-title">
          History <span class="count">{formatNumberOf(events.length + omitted, 'event')}</span>
        </h2>
        <Filters filter={filter} onChoose={setFilter} />
      </header>
      <div class="timeline-body">
        {count === 0 ? <EmptyState title="No such events" /> : null}
        {shown.map((section) => (
          <section key={section.entries.at(-1)?.record.seq} class="timeline-section">
            <Heading section={section} />
            <ol class="steps" reversed>
              {section.entries.map((entry) => (
                <TimelineRow
                  key={entry.record.seq}
                  entry={entry}
                  section={section}
                  is_chosen={travel.at === entry.record.seq}
                  onChoose={travel.go}
                />
              ))}
            </ol>
          </section>
        ))}
        {left > 0 || (omitted > 0 && filter !== 'all') ? (
          <div class="timeline-more">
            <Button is_busy={is_loading} onClick={() => void showOlder()}>
              {left > 0 ? `Show older (${formatCount(left)})` : 'Look further back'}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
}
