/** The replicas and how far they are behind, loaded once and kept up to date. */
import { useEffect } from 'preact/hooks';
import type { IcbdError } from '../../core/errors.js';
import type { FleetReport } from '../../core/fleet_report.js';
import type { ReplicaReport } from '../../core/report.js';
import { get } from '../api.js';
import { onLive } from '../live.js';
import { useResource } from '../resource.js';

/** How far who is behind changes with each transfer; it is asked for anew at most so often. */
const fleet_every_ms = 5_000;

export interface UsedReplicas {
  readonly replicas: readonly ReplicaReport[] | undefined;
  readonly fleet: FleetReport | undefined;
  readonly error: IcbdError | null;
  readonly reload: () => void;
}

/** Those that changed in the place of the old ones; new ones at the end. */
export function withChanged<T>(all: readonly T[], changed: readonly T[], keyOf: (value: T) => string): T[] {
  const news = new Map(changed.map((value) => [keyOf(value), value]));
  const kept = all.map((value) => news.get(keyOf(value)) ?? value);
  const known = new Set(all.map(keyOf));
  return [...kept, ...changed.filter((value) => !known.has(keyOf(value)))];
}

/** Calls `reload` when transfers have ended or begun, or replicas changed; not more often than is good. */
export function useReloads(reload: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        reload();
      }, fleet_every_ms);
    };
    const stops = [onLive('transfers', ask), onLive('replicas', ask), onLive('images', ask)];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [reload]);
}

export function useReplicas(): UsedReplicas {
  const { data, error, reload, change } = useResource('replicas', (until) =>
    get<ReplicaReport[]>('replicas', {}, until),
  );
  const fleet = useResource('fleet of replicas', (until) => get<FleetReport>('fleet', {}, until));
  useReloads(fleet.reload);
  useEffect(
    () => onLive('replicas', (changed) => change((all) => withChanged(all, changed, ({ name }) => name))),
    [change],
  );
  return { replicas: data, fleet: fleet.data, error, reload };
}
