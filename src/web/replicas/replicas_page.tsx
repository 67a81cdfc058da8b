import { useMemo, useRef, useState } from 'preact/hooks';
import { replicaPath } from '../routes.js';
import { EmptyState, ErrorBox, Loading } from '../ui/boxes.js';
import { formatDuration, formatNumberOf, formatShortDuration } from '../ui/format.js';
import { is_narrow } from '../ui/media.js';
import { PageHead } from '../ui/page_head.js';
import { SearchField } from '../ui/search_field.js';
import { Icon } from '../ui/shapes.js';
import { StateBadge } from '../ui/state_badge.js';
import { replicaWords } from '../ui/state_words.js';
import { Time } from '../ui/time.js';
import { useRowRange } from '../ui/virtual.js';
import { type ReplicaOrder, type ReplicaRow, lagWords, replicaRows, stateCounts } from './rows.js';
import { useReplicas } from './use_replicas.js';

const columns: readonly {
  readonly order: ReplicaOrder | null;
  readonly words: string;
  readonly name: string;
}[] = [
  { order: 'name', words: 'Replica', name: 'name' },
  { order: 'state', words: 'State', name: 'state' },
  { order: null, words: 'Since', name: 'since' },
  { order: 'answer', words: 'Answers in', name: 'answer' },
  { order: 'transfers', words: 'Transfers', name: 'transfers' },
  { order: 'lag', words: 'Images', name: 'lag' },
];

function lagTone({ lag }: ReplicaRow): string {
  if (lag === undefined || lag.unknown > 0) return 'off';
  if (lag.failed > 0) return 'bad';
  return lag.behind > 0 ? 'warning' : 'good';
}

function answerWords({ round_trip_ms, missed, is_connected }: ReplicaRow['replica']): string {
  if (missed > 0) return `${missed} missed`;
  if (!is_connected || round_trip_ms === null) return '';
  return round_trip_ms < 1 ? 'under 1 ms' : formatDuration(round_trip_ms / 1_000);
}

function Row({ row, index }: { row: ReplicaRow; index: number }) {
  const { replica, lag } = row;
  const { name, state, state_description, reason, changed_at_ms, missed } = replica;
  const { transfers_running: running, transfers_waiting: waiting } = replica;
  return (
    <div class="replica-row" role="row" aria-rowindex={index + 2}>
      <span class="cell-name" role="cell">
        <a class="truncate" href={replicaPath(name)}>
          {name}
        </a>
        {reason === '' ? null : (
          <span class="dim truncate" title={reason}>
            {reason}
          </span>
        )}
      </span>
      <span class="cell-state" role="cell">
        <StateBadge words={replicaWords(state)} title={state_description} />
      </span>
      <span class="cell-since dim" role="cell">
        {changed_at_ms === null ? 'never there' : <Time at_ms={changed_at_ms} />}
      </span>
      <span class={`cell-answer ${missed > 0 ? 'tone-warning' : ''}`} role="cell">
        {answerWords(replica)}
      </span>
      <span class="cell-transfers" role="cell">
        {running === 0 && waiting === 0 ? <span class="dim">none</span> : null}
        {running === 0 ? null : <span class="tone-moving figure">{running} running</span>}
        {waiting === 0 ? null : <span class="figure">{waiting} waiting</span>}
      </span>
      <span class={`cell-lag tone-${lagTone(row)}`} role="cell">
        {lagWords(lag, formatShortDuration)}
      </span>
    </div>
  );
}

const row_px = 49;
const narrow_row_px = 92;

function Rows({
  rows,
  order,
  onOrder,
}: {
  rows: readonly ReplicaRow[];
  order: ReplicaOrder;
  onOrder: (order: ReplicaOrder) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const height_px = is_narrow.value ? narrow_row_px : row_px;
  const { begin, end } = useRowRange(list, rows.length, height_px);
  return (
    <div class="card replica-table" role="table" aria-label="Replicas" aria-rowcount={rows.length + 1}>
      <div class="replica-row replica-titles" role="row">
        {columns.map(({ order: by, words, name }) => (
          <span
            key={name}
            class={`cell-${name}`}
            role="columnheader"
            aria-sort={by === order ? 'ascending' : undefined}
          >
            {by === null ? (
              words
            ) : (
              <button type="button" class="title-button" onClick={() => onOrder(by)}>
                {words}
                {by === order ? <Icon name="down" /> : null}
              </button>
            )}
          </span>
        ))}
      </div>
      <div ref={list} class="replica-rows" role="rowgroup" style={{ height: `${rows.length * height_px}px` }}>
        <div class="replica-window" style={{ transform: `translateY(${begin * height_px}px)` }}>
          {rows.slice(begin, end).map((row, index) => (
            <Row key={row.replica.name} row={row} index={begin + index} />
          ))}
        </div>
      </div>
    </div>
  );
}

export function ReplicasPage() {
  const { replicas, fleet, error, reload } = useReplicas();
  const [text, setText] = useState('');
  const [state, setState] = useState('');
  const [order, setOrder] = useState<ReplicaOrder>('state');
  const rows = useMemo(
    () => replicaRows(replicas ?? [], fleet, { text, state, order }),
    [replicas, fleet, text, state, order],
  );
  return (
    <>
      <PageHead title="Replicas">
        {replicas === undefined ? null : (
          <span>{formatNumberOf(replicas.length, 'node')} that hold copies</span>
        )}
      </PageHead>
      {error === null ? null : (
        <ErrorBox error={error} title="The replicas could not be read" onRetry={reload} />
      )}
      {replicas === undefined && error === null ? <Loading what="the replicas" /> : null}
      {replicas === undefined ? null : (
        <>
          <div class="toolbar">
            <SearchField value={text} label="Filter by name or address" onChange={setText} />
            <div class="chips" role="group" aria-label="States">
              {stateCounts(replicas).map(({ state: name, count }) => {
                const { word, tone, shape } = replicaWords(name);
                return (
                  <button
                    key={name}
                    type="button"
                    class={`chip tone-${tone}`}
                    aria-pressed={state === name}
                    onClick={() => setState(state === name ? '' : name)}
                  >
                    <Icon name={shape} />
                    {word} <span class="chip-count">{count}</span>
                  </button>
                );
              })}
            </div>
          </div>
          {rows.length === 0 ? (
            <EmptyState title={replicas.length === 0 ? 'No replica has ever connected' : 'No replica fits'}>
              {replicas.length === 0 ? (
                <p>
                  Start <code>icbdrepd replica</code> on a node with this master in its config.
                </p>
              ) : null}
            </EmptyState>
          ) : (
            <Rows rows={rows} order={order} onOrder={setOrder} />
          )}
        </>
      )}
    </>
  );
}
