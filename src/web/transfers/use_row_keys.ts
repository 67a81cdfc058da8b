import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from '../ui/keys.js';

interface RowKeysOptions {
  readonly total: number;
  readonly row_px: number;
  readonly list: { readonly current: HTMLElement | null };
  /** Makes the rows that a scroll has brought into sight. */
  readonly look: () => void;
}

/** Which row the keys have come to, and how they go on from it. */
export function useRowKeys({ total, row_px, list, look }: RowKeysOptions): { readonly current: number } {
  const [reached, setReached] = useState(0);
  /** Where the keys are, also while the focus is on its way there. */
  const now = useRef(reached);
  const is_moving = useRef(false);
  useLayoutEffect(() => {
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
    look();
    now.current = row;
    is_moving.current = true;
    if (row === reached) list.current?.querySelector<HTMLElement>(`[data-row="${row}"]`)?.focus();
    setReached(row);
  };
  const isIn = (): boolean => list.current?.contains(document.activeElement) === true;
  const step = (by: number) => (): void => go(isIn() ? now.current + by : now.current);
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
  return now;
}
