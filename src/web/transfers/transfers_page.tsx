import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { TransferReport } from '../../core/report.js';
import { search, setSearch } from '../router.js';
import { EmptyState, ErrorBox, Loading } from '../ui/boxes.js';
import { Button } from '../ui/button.js';
import { useKeys } from '../ui/keys.js';
import { is_narrow } from '../ui/media.js';
import { PageHead } from '../ui/page_head.js';
import { useRowRange } from '../ui/virtual.js';
import { ListHead } from './list_head.js';
import { type ListFilter, readFilter, redrivenStates, writeFilter } from './list_model.js';
import { canRedrive } from './outcome.js';
import { RedriveDialog } from './redrive_dialog.js';
import { StartDialog } from './start_dialog.js';
import { StateChips } from './state_chips.js';
import { TransferRow } from './transfer_row.js';
import { type Selection, TransfersToolbar } from './transfers_toolbar.js';
import { useNames } from './use_names.js';
import { useRowKeys } from './use_row_keys.js';
import { type TransferList, useTransfers } from './use_transfers.js';

type OpenDialog = 'start' | 'redrive' | null;

/** Whatever was changed meanwhile stays changed. */
function setFilter(change: Partial<ListFilter>): void {
  setSearch(writeFilter({ ...readFilter(search.peek()), ...change }));
}

export function TransfersPage() {
  const filter = readFilter(search.value);
  const list = useTransfers(filter);
  const [selected, setSelected] = useState<Selection>(new Map());
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const names = useNames();
  const total = list.total ?? 0;
  const body = useRef<HTMLDivElement>(null);
  const row_px = is_narrow.value ? 84 : 42;
  const { begin, end, look } = useRowRange(body, total, row_px);
  const reached = useRowKeys({ total, row_px, list: body, look });
  useEffect(() => list.loadRows(begin, end));
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
      const row = list.rowAt(reached.current);
      if (row !== undefined && canRedrive(row)) select(row);
    },
    u: list.refresh,
  });
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
      <TransfersToolbar
        {...{ filter, setFilter, list, names, selected }}
        onSelectNone={() => setSelected(new Map())}
        onRedriveAll={() => setDialog('redrive')}
      />
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
            <Rows {...{ begin, end, row_px, list, selected }} reached={reached.current} onSelect={select} />
          </div>
        </div>
      )}
      {dialog === 'start' ? <StartDialog onClose={() => setDialog(null)} /> : null}
      {dialog === 'redrive' ? (
        <RedriveDialog
          states={redrivenStates(filter)}
          image={filter.image}
          replica={filter.replica}
          onClose={() => setDialog(null)}
        />
      ) : null}
    </>
  );
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
  readonly begin: number;
  readonly end: number;
  readonly row_px: number;
  readonly list: TransferList;
  readonly selected: Selection;
  readonly reached: number;
  readonly onSelect: (transfer: TransferReport) => void;
}

/** The rows that can be seen. */
function Rows({ begin, end, row_px, list, selected, reached, onSelect }: RowsProps) {
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
