/** Keys that do something wherever the focus is, except where somebody writes. */
import { useEffect, useRef } from 'preact/hooks';

export type KeyWork = Readonly<Record<string, (event: KeyboardEvent) => void>>;

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const is_box = target instanceof HTMLInputElement && /^(checkbox|radio)$/.test(target.type);
  return target.isContentEditable || (target.matches('input, textarea, select') && !is_box);
}

/** @param keys by `KeyboardEvent.key`; not while a dialog is open */
export function useKeys(keys: KeyWork): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    const stop = new AbortController();
    document.addEventListener(
      'keydown',
      (event) => {
        if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
        if (isWriting(event.target) || document.querySelector('dialog[open]') !== null) return;
        const work = newest.current[event.key];
        if (work === undefined) return;
        event.preventDefault();
        work(event);
      },
      { signal: stop.signal },
    );
    return () => stop.abort();
  }, []);
}
