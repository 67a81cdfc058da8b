import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ImageReport, ReplicaReport, TransferReport } from '../../core/report.js';
import { get } from '../api.js';
import { useResource } from '../resource.js';
import { search, setSearch } from '../router.js';
import { EmptyState, ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { formatNumberOf } from '../ui/format.js';
import { useKeys } from '../ui/keys.js';
import { is_narrow } from '../ui/media.js';
import { PageHead } from '../ui/page_head.js';
import { SearchField } from '../ui/search_field.js';
import { type RowRange, useRowRange } from '../ui/virtual.js';
import { ListHead } from './list_head.js';
import { type ListFilter, readFilter, totalOf, writeFilter } from './list_model.js';
import { NameField } from './name_field.js';
import { canRedrive } from './outcome.js';
import { RedriveDialog } from './redrive_dialog.js';
import { redriveAll } from './redrive_selected.js';
import { StartDialog } from './start_dialog.js';
import { StateChips } from './state_chips.js';
import { TransferRow } from './transfer_row.js';
import { useTransfers } from './use_transfers.js';

const redrivable = ['failed', 'parked', 'cancelled'];

type Selection = ReadonlyMap<string, TransferReport>;
type OpenDialog = 'start' | 'redrive' | null;

function useNames(): { readonly images: readonly string[]; readonly replicas: readonly string[] } {
  const images = useResource('images', (until) => get<ImageReport[]>('images', {}, until));
  const replicas = useResource('replicas', (until) => get<ReplicaReport[]>('replicas', {}, until));
  return {
    images: images.data?.map(({ name }) => name) ?? [],
    replicas: replicas.data?.map(({ name }) => name) ?? [],
  };
}

/** Which row the keys have come to, and how they go on from it. */
function useRowKeys(total: number, row_px: number, list: { readonly current: HTMLElement | null }) {
  const [reached, setReached] = useState(0);
  const is_moving = useRef(false);
  useEffect(() => {
    if (!is_moving.current) return;
    is_moving.current = false;
    list.current?.querySelector<HTMLElement>(`[data-row="${reached}"]`)?.focus({ preventScroll: true });
  }, [reached]);
  const go = (to: number): void => {
    const row = Math.max(0, Math.min(total - 1, to));
    const top = list.current?.getBoundingClientRect().top ?? 0;
    const row_top = top + row * row_px;
    const head_px = 120;
    if (row_top < head_px) scrollBy({ top: row_top - head_px, behavior: 'instant' });
    else if (row_top + row_px > innerHeight) {
      scrollBy({ top: row_top + row_px - innerHeight + 8, behavior: 'instant' });
    }
    is_moving.current = true;
    if (row === reached) list.current?.querySelector<HTMLElement>(`[data-row="${row}"]`)?.focus();
    // After the scrolling has made the row.
    requestAnimationFrame(() => setReached(row));
  };
  const isIn = (): boolean => list.current?.contains(document.activeElement) === true;
  const step = (by: number) => (): void => go(isIn() ? reached + by : reached);
  useKeys({
    j: step(1),
    k: step(-1),
    ArrowDown: step(1),
    ArrowUp: step(-1),
    PageDown: step(12),
    PageUp: step(-12),
    Home: () => go(0),
    End: () => go(total - 1),
  });
  return reached;
}

export function TransfersPage() {
  const filter = readFilter(search.value);
  const setFilter = (change: Partial<ListFilter>): void => setSearch(writeFilter({ ...filter, ...change }));
  const [range, setRange] = useState<RowRange>({ begin: 0, end: 40 });
  const list = useTransfers(filter, range);
  const [selected, setSelected] = useState<Selection>(new Map());
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const [is_busy, setBusy] = useState(false);
  const names = useNames();
  const total = list.total ?? 0;
  const body = useRef<HTMLDivElement>(null);
  const row_px = is_narrow.value ? 84 : 42;
  const reached = useRowKeys(total, row_px, body);
  const select = useCallback((transfer: TransferReport) => {
    setSelected((old) => {
      const next = new Map(old);
      if (!next.delete(transfer.id)) next.set(transfer.id, transfer);
      return next;
    });
  }, []);
  useKeys({
    s: () => setDialog('start'),
    x: () => {
      const row = list.rowAt(reached);
      if (row !== undefined && canRedrive(row)) select(row);
    },
    u: list.refresh,
  });
  const runSelected = async (): Promise<void> => {
    setBusy(true);
    await redriveAll([...selected.keys()]);
    setBusy(false);
    setSelected(new Map());
  };
  const counted = totalOf(
    list.counts,
    redrivable.filter((state) => isWanted(state, filter)),
  );
  const is_filtered = filter.states.length > 0 || filter.image + filter.replica + filter.text !== '';
  useAutoRefresh(list.moved, list.refresh, selected.size > 0, body);
  return (
    <>
      <PageHead
        title="Transfers"
        actions={
          <Button kind="primary" icon="plus" onClick={() => setDialog('start')}>
            Start a transfer
          </Button>
        }
      />
      <StateChips counts={list.counts} chosen={filter.states} onChange={(states) => setFilter({ states })} />
      <div class="toolbar transfers-toolbar">
        <SearchField
          value={filter.text}
          label="Id, image, snapshot or replica"
          onChange={(text) => setFilter({ text })}
        />
        <NameField
          label="Image"
          value={filter.image}
          names={names.images}
          onChange={(image) => setFilter({ image })}
        />
        <NameField
          label="Replica"
          value={filter.replica}
          names={names.replicas}
          onChange={(replica) => setFilter({ replica })}
        />
        {selected.size > 0 ? (
          <>
            <Button kind="primary" icon="redo" is_busy={is_busy} onClick={() => void runSelected()}>
              Run {formatNumberOf(selected.size, 'transfer')} again
            </Button>
            <Button kind="quiet" onClick={() => setSelected(new Map())}>
              Select none
            </Button>
          </>
        ) : counted > 0 ? (
          <Button
            icon="redo"
            refusal={
              filter.text === '' ? '' : 'Empty the search field first: this works by state, image and replica'
            }
            onClick={() => setDialog('redrive')}
          >
            Run all {counted} again…
          </Button>
        ) : null}
        {list.moved === 0 ? null : (
          <Button kind="quiet" icon="redo" onClick={list.refresh} title="Loads the list again (u)">
            {formatNumberOf(list.moved, 'change')}, show
          </Button>
        )}
        <span class="toolbar-count" role="status">
          {list.total === undefined ? '' : formatNumberOf(total, 'transfer')}
        </span>
      </div>
      {list.error === null ? null : (
        <ErrorBox error={list.error} title="The transfers could not be loaded" onRetry={list.refresh} />
      )}
      {list.total === undefined ? (
        list.error === null ? (
          <Loading what="transfers" rows={12} />
        ) : null
      ) : total === 0 ? (
        <NoTransfers
          is_filtered={is_filtered}
          onClear={() => setFilter({ states: [], image: '', replica: '', text: '' })}
          onStart={() => setDialog('start')}
        />
      ) : (
        <div
          class={`transfer-list card ${list.is_stale ? 'is-stale' : ''}`}
          role="grid"
          aria-label="Transfers"
          aria-rowcount={total + 1}
        >
          <ListHead filter={filter} onSort={(sort, direction) => setFilter({ sort, direction })} />
          <div class="transfer-rows" role="rowgroup" ref={body} style={{ height: `${total * row_px}px` }}>
            <Rows
              {...{ total, row_px, body, list, selected, reached }}
              onRange={setRange}
              onSelect={select}
            />
          </div>
        </div>
      )}
      {dialog === 'start' ? <StartDialog onClose={() => setDialog(null)} /> : null}
      {dialog === 'redrive' ? (
        <RedriveDialog
          states={redrivable.filter((state) => isWanted(state, filter))}
          image={filter.image}
          replica={filter.replica}
          onClose={() => setDialog(null)}
        />
      ) : null}
    </>
  );
}

/** Without a choice of states it is the failed ones that are meant. */
function isWanted(state: string, { states }: ListFilter): boolean {
  return states.length === 0 ? state === 'failed' : states.includes(state);
}

/** Loads the list again by itself where nobody is looking at a row of it. */
function useAutoRefresh(
  moved: number,
  refresh: () => void,
  is_selecting: boolean,
  body: { readonly current: HTMLElement | null },
): void {
  useEffect(() => {
    if (moved === 0) return undefined;
    const timer = setTimeout(() => {
      const is_busy =
        is_selecting || scrollY > 200 || body.current?.matches(':hover, :focus-within') === true;
      if (!is_busy) refresh();
    }, 700);
    return () => clearTimeout(timer);
  }, [moved, is_selecting]);
}

interface RowsProps {
  readonly total: number;
  readonly row_px: number;
  readonly body: { current: HTMLDivElement | null };
  readonly list: ReturnType<typeof useTransfers>;
  readonly selected: Selection;
  readonly reached: number;
  readonly onRange: (range: RowRange) => void;
  readonly onSelect: (transfer: TransferReport) => void;
}

/** The rows that can be seen. */
function Rows({ total, row_px, body, list, selected, reached, onRange, onSelect }: RowsProps) {
  const { begin, end } = useRowRange(body, total, row_px);
  useEffect(() => onRange({ begin, end }), [begin, end]);
  return (
    <div style={{ transform: `translateY(${begin * row_px}px)` }}>
      {Array.from({ length: end - begin }, (_, offset) => {
        const index = begin + offset;
        const transfer = list.rowAt(index);
        return (
          <TransferRow
            key={index}
            {...{ transfer, index, onSelect }}
            is_selected={transfer !== undefined && selected.has(transfer.id)}
            is_reached={index === reached}
          />
        );
      })}
    </div>
  );
}

interface NoTransfersProps {
  readonly is_filtered: boolean;
  readonly onClear: () => void;
  readonly onStart: () => void;
}

function NoTransfers({ is_filtered, onClear, onStart }: NoTransfersProps) {
  return is_filtered ? (
    <EmptyState title="No transfer fits the filter">
      <Button onClick={onClear}>Show all</Button>
    </EmptyState>
  ) : (
    <EmptyState title="No transfers yet">
      <p>A transfer brings one snapshot of an image to one replica.</p>
      <Button kind="primary" icon="plus" onClick={onStart}>
        Start a transfer
      </Button>
    </EmptyState>
  );
}
