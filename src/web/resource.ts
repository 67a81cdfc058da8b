/** Something loaded from the master, kept until it is loaded again. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { IcbdError } from '../core/errors.js';
import { first_contact, reloads } from './live.js';

export interface Resource<T> {
  /** Undefined before the first answer; what was there stays while it is loaded again. */
  readonly data: T | undefined;
  /** Why the last load gave nothing; null if it gave something. */
  readonly error: IcbdError | null;
  readonly is_loading: boolean;
  /** Loads again now. */
  readonly reload: () => void;
  /** Puts a newer value in the place of the old one; nothing happens before the first answer. */
  readonly change: (change: (data: T) => T) => void;
}

interface Held<T> {
  readonly key: string;
  readonly data?: T;
  readonly error: IcbdError | null;
  readonly is_loading: boolean;
}

/**
 * Loads when the key changes, and again whenever the live stream says that what was loaded may be old.
 * @param key what is loaded, in one text; what was loaded under another key is forgotten
 */
export function useResource<T>(key: string, load: (until: AbortSignal) => Promise<T>): Resource<T> {
  const [held, setHeld] = useState<Held<T>>({ key, error: null, is_loading: true });
  const [turn, setTurn] = useState(0);
  const newest_load = useRef(load);
  newest_load.current = load;
  const generation = reloads.value;
  useEffect(() => {
    const stop = new AbortController();
    setHeld((old) =>
      old.key === key ? { ...old, is_loading: true } : { key, error: null, is_loading: true },
    );
    const loaded = first_contact.then(() => newest_load.current(stop.signal));
    loaded.then(
      (data) => {
        if (!stop.signal.aborted) setHeld({ key, data, error: null, is_loading: false });
      },
      (thrown: unknown) => {
        if (stop.signal.aborted) return;
        const error = IcbdError.from(thrown, 'load', key);
        setHeld((old) => ({ ...old, key, error, is_loading: false }));
      },
    );
    return () => stop.abort();
  }, [key, turn, generation]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  const change = useCallback((changeData: (data: T) => T) => {
    setHeld((old) => (old.data === undefined ? old : { ...old, data: changeData(old.data) }));
  }, []);
  const is_current = held.key === key;
  return {
    data: is_current ? held.data : undefined,
    error: is_current ? held.error : null,
    is_loading: !is_current || held.is_loading,
    reload,
    change,
  };
}
