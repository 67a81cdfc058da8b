/** Lists of thousands of rows of which only those that can be seen are made. */
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';

export interface RowRange {
  /** The first row that is made. */
  readonly begin: number;
  /** The first behind them that is not. */
  readonly end: number;
}

export interface ShownRows extends RowRange {
  /** Makes the rows at once that a scroll from the program has brought into sight. */
  readonly look: () => void;
}

/** Rows are made in steps of so many, so that most scrolling makes none. */
const step = 4;

/**
 * The rows that lie between two heights of the window, with some before and behind them.
 * @param top_px where row 0 begins, from the top of what is seen; negative when it has gone by
 * @param view_px height of what is seen
 */
export function rangeOf(top_px: number, view_px: number, row_px: number, count: number): RowRange {
  const first = Math.floor(Math.max(0, -top_px) / row_px);
  const last = Math.ceil(Math.max(0, view_px - top_px) / row_px);
  const begin = Math.max(0, (Math.floor(first / step) - 1) * step);
  return { begin: Math.min(begin, count), end: Math.min(count, (Math.ceil(last / step) + 1) * step) };
}

/**
 * Which rows to make, whatever it is that scrolls: the window, or the box around the list that has `data-scrolls`.
 * @param list the element in which row 0 begins at the top, as high as all its rows together
 */
export function useRowRange(
  list: { readonly current: HTMLElement | null },
  count: number,
  row_px: number,
): ShownRows {
  const [range, setRange] = useState<RowRange>(() => rangeOf(0, innerHeight, row_px, count));
  const look = useCallback(() => {
    if (list.current === null) return;
    const box = list.current.closest('[data-scrolls]')?.getBoundingClientRect();
    const seen_top = Math.max(0, box?.top ?? 0);
    const seen_px = Math.min(innerHeight, box?.bottom ?? innerHeight) - seen_top;
    const next = rangeOf(list.current.getBoundingClientRect().top - seen_top, seen_px, row_px, count);
    setRange((old) => (old.begin === next.begin && old.end === next.end ? old : next));
  }, [count, row_px]);
  useLayoutEffect(() => {
    look();
    const stop = new AbortController();
    const options = { signal: stop.signal, passive: true, capture: true };
    document.addEventListener('scroll', look, options);
    addEventListener('resize', look, options);
    return () => stop.abort();
  }, [look]);
  return { begin: Math.min(range.begin, count), end: Math.min(range.end, count), look };
}
