/** The list of transfers, loaded page by page as it is looked at, and kept as new as it can be without jumping. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { IcbdError } from '../../core/errors.js';
import type { TransferReport } from '../../core/report.js';
import { get } from '../api.js';
import { first_contact, onLive, reloads } from '../live.js';
import type { RowRange } from '../ui/virtual.js';
import {
  type ListFilter,
  type Pages,
  askedOf,
  countedOf,
  movedBy,
  page_rows,
  pagesOf,
  rowAt,
  totalOf,
  withChanged,
} from './list_model.js';

type Counts = Readonly<Record<string, number>>;

interface Loaded {
  /** The filter that the rows fit, as a text. */
  readonly key: string;
  readonly pages: Pages;
  readonly total: number;
}

export interface TransferList {
  /** How many rows there are; undefined before the first answer. */
  readonly total: number | undefined;
  /** By state, of all that fit the rest of the filter. */
  readonly counts: Counts;
  readonly rowAt: (index: number) => TransferReport | undefined;
  /** Loads those of these rows that were not asked for yet. */
  readonly loadRows: (begin: number, end: number) => void;
  /** Transfers that came or went since the rows were loaded. */
  readonly moved: number;
  /** Loads the rows anew. */
  readonly refresh: () => void;
  readonly error: IcbdError | null;
  /** The rows are still those of another filter. */
  readonly is_stale: boolean;
}

const counts_delay_ms = 1_000;

function loadPage(filter: ListFilter, page: number, until: AbortSignal): Promise<TransferReport[]> {
  const query = { ...askedOf(filter), offset: page * page_rows, limit: page_rows };
  return get<TransferReport[]>('transfers', query, until);
}

const loadCounts = (filter: ListFilter, until: AbortSignal): Promise<Counts> =>
  get<Counts>('transfers/count', { ...countedOf(filter) }, until);

/** Its pages are loaded as `loadRows` wants them; the first one always. */
export function useTransfers(filter: ListFilter): TransferList {
  const key = JSON.stringify(filter);
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [counts, setCounts] = useState<Counts>({});
  const [error, setError] = useState<IcbdError | null>(null);
  const [moved, setMoved] = useState<ReadonlySet<string>>(new Set());
  const [turn, setTurn] = useState(0);
  const newest = useRef({ filter, loaded });
  newest.current = { filter, loaded };
  const range = useRef<RowRange>({ begin: 0, end: 0 });
  const stop = useRef(new AbortController());
  const asked = useRef(new Set<number>());
  const generation = reloads.value;

  // All anew: for another filter, after an interruption, or because somebody wants it.
  useEffect(() => {
    stop.current = new AbortController();
    const { signal } = stop.current;
    const is_same = newest.current.loaded?.key === key;
    const wanted = is_same ? pagesOf(range.current.begin, range.current.end) : [0];
    if (wanted.length === 0) wanted.push(0);
    asked.current = new Set(wanted);
    const load = async (): Promise<void> => {
      await first_contact;
      const [now, ...rows] = await Promise.all([
        loadCounts(filter, signal),
        ...wanted.map((page) => loadPage(filter, page, signal)),
      ]);
      if (signal.aborted) return;
      const pages = new Map(wanted.map((page, index) => [page, rows[index] ?? []]));
      setCounts(now);
      setLoaded({ key, pages, total: totalOf(now, filter.states) });
      setMoved(new Set());
      setError(null);
    };
    load().catch((thrown: unknown) => {
      if (!signal.aborted) setError(IcbdError.from(thrown, 'load'));
    });
    return () => stop.current.abort();
  }, [key, turn, generation]);

  const loadRows = (begin: number, end: number): void => {
    range.current = { begin, end };
    if (loaded === null || loaded.key !== key) return;
    const { signal } = stop.current;
    const missing = pagesOf(begin, Math.min(end, loaded.total)).filter((page) => !asked.current.has(page));
    for (const page of missing) {
      asked.current.add(page);
      loadPage(filter, page, signal).then(
        (rows) => {
          if (signal.aborted) return;
          setLoaded((old) => (old === null ? old : { ...old, pages: new Map(old.pages).set(page, rows) }));
        },
        (thrown: unknown) => {
          asked.current.delete(page);
          if (!signal.aborted) setError(IcbdError.from(thrown, 'load'));
        },
      );
    }
  };

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const count = (): void => {
      timer = undefined;
      loadCounts(newest.current.filter, stop.current.signal).then(setCounts, () => undefined);
    };
    const end = onLive('transfers', (changed) => {
      timer ??= setTimeout(count, counts_delay_ms);
      const { loaded: now } = newest.current;
      if (now === null) return;
      const ids = movedBy(now.pages, changed, newest.current.filter);
      if (ids.length > 0) setMoved((old) => new Set([...old, ...ids]));
      setLoaded((old) => (old === null ? old : { ...old, pages: withChanged(old.pages, changed) }));
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, []);

  const refresh = useCallback(() => setTurn((old) => old + 1), []);
  return {
    total: loaded?.total,
    counts,
    rowAt: (index) => (loaded === null ? undefined : rowAt(loaded.pages, index)),
    loadRows,
    moved: moved.size,
    refresh,
    error,
    is_stale: loaded !== null && loaded.key !== key,
  };
}
