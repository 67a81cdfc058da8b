/** Where somebody stands in the past of a transfer, and what moves them. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { InspectedStep, StepsReport } from '../../core/machine_report.js';
import type { EventRecord } from '../../core/records.js';
import { get, part } from '../api.js';
import { useResource } from '../resource.js';
import { search, setSearch } from '../router.js';
import { type Move, type Place, indexOf, keyMove, moveTo, placeIn } from './travel.js';

const play_step_ms = 700;
const play_step_reduced_ms = 1_200;

export interface Travel {
  /** Null: now. */
  readonly at: Place;
  readonly seqs: readonly number[];
  readonly index: number;
  /** The event after which all is shown; undefined if there is none. */
  readonly event: EventRecord | undefined;
  readonly is_playing: boolean;
  readonly go: (to: Place) => void;
  readonly move: (move: Move) => void;
  readonly togglePlay: () => void;
  /** @returns whether the key meant something */
  readonly pressKey: (key: string) => boolean;
}

function usePlay(at: Place, seqs: readonly number[], go: (to: Place) => void) {
  const [is_playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!is_playing) return undefined;
    if (at === null) {
      setPlaying(false);
      return undefined;
    }
    const is_reduced = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const step_ms = is_reduced ? play_step_reduced_ms : play_step_ms;
    const timer = setTimeout(() => go(moveTo(seqs, at, 'forward')), step_ms);
    return () => clearTimeout(timer);
  }, [is_playing, at, seqs, go]);
  const togglePlay = useCallback(() => {
    // From now there is nothing to play: it begins at the first.
    if (at === null) go(moveTo(seqs, at, 'first'));
    setPlaying((old) => !old);
  }, [at, seqs, go]);
  return { is_playing, togglePlay, stop: () => setPlaying(false) };
}

/** Arrow keys go through the past wherever the focus is on nothing that wants them itself. */
function useArrows(pressKey: (key: string) => boolean): void {
  const newest = useRef(pressKey);
  newest.current = pressKey;
  useEffect(() => {
    const stop = new AbortController();
    const take = (event: KeyboardEvent): void => {
      const { target, key } = event;
      const is_plain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      const is_free =
        target === document.body || (target instanceof HTMLElement && target.matches('h1, main'));
      if (event.defaultPrevented || !is_plain || !is_free || !key.startsWith('Arrow')) return;
      if (newest.current(key)) event.preventDefault();
    };
    document.addEventListener('keydown', take, { signal: stop.signal });
    return () => stop.abort();
  }, []);
}

/** @param events oldest first */
export function useTravel(events: readonly EventRecord[]): Travel {
  const seqs = useMemo(() => events.map(({ seq }) => seq), [events]);
  const wanted = placeIn(search.value);
  // Beyond the last there is only now.
  const at = wanted !== null && wanted <= (seqs.at(-1) ?? 0) ? wanted : null;
  const go = useCallback((to: Place) => setSearch({ at: to === null ? '' : String(to) }), []);
  const { is_playing, togglePlay, stop } = usePlay(at, seqs, go);
  const index = indexOf(seqs, at);
  const move = (how: Move): void => {
    stop();
    go(moveTo(seqs, at, how));
  };
  const pressKey = (key: string): boolean => {
    const how = keyMove(key);
    if (how === null || seqs.length === 0) return false;
    if (how === 'play') togglePlay();
    else move(how);
    return true;
  };
  useArrows(pressKey);
  return {
    at,
    seqs,
    index,
    event: events[index],
    is_playing,
    move,
    togglePlay,
    pressKey,
    go: (to) => {
      stop();
      go(to);
    },
  };
}

export interface UsedSteps {
  readonly step: InspectedStep | undefined;
  readonly report: StepsReport | undefined;
  readonly is_loading: boolean;
  readonly failure: string;
  readonly retry: () => void;
}

/** What the actor knew at the place; loaded when somebody goes there for the first time. */
export function useSteps(id: string, at: Place, last_seq: number, count: number): UsedSteps {
  const [until_seq, setUntil] = useState(0);
  useEffect(() => {
    // What came after the load is loaded when somebody goes there.
    if (at !== null && at > until_seq) setUntil(last_seq);
  }, [at, last_seq, until_seq]);
  const is_wanted = until_seq > 0;
  const key = is_wanted ? `steps ${id} ${until_seq} ${count > 0 ? Math.ceil(count / 500) : 0}` : '';
  const { data, error, is_loading, reload } = useResource(key, async (until) =>
    is_wanted
      ? get<StepsReport>(`transfers/${part(id)}/steps`, { limit: stepsLimit(count) }, until)
      : undefined,
  );
  const step = at === null ? undefined : data?.steps.find(({ seq }) => seq === at);
  return {
    step,
    report: data,
    is_loading,
    retry: reload,
    failure: error === null ? '' : error.message,
  };
}

/** A few more than are shown, for those that come meanwhile. */
function stepsLimit(count: number): number {
  return Math.min(1_000, count + 100);
}
