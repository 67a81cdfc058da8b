/** The fleet's report, kept up to date. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { FleetReport } from '../../core/fleet_report.js';
import { get } from '../api.js';
import { readClock } from '../clock.js';
import { onLive } from '../live.js';
import { type Resource, useResource } from '../resource.js';
import { type CopyIndex, indexCopies, withReplicas, withTransfers } from './fleet_model.js';

/** A report of a big fleet is big: it is loaded again after a while, and no more often than it takes ten times over. */
const reload_ms_min = 1_000;
const reload_share = 10;

export interface Fleet extends Resource<FleetReport> {
  readonly index: CopyIndex;
}

/** Changes are shown as they come; what they mean for others is loaded soon after. */
export function useFleet(): Fleet {
  const took_ms = useRef(0);
  const resource = useResource('fleet', async (until) => {
    const began_ms = readClock();
    const report = await get<FleetReport>('fleet', {}, until);
    took_ms.current = readClock() - began_ms;
    return report;
  });
  const { data, change, reload } = resource;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reloadSoon = (): void => {
      const delay_ms = Math.max(reload_ms_min, took_ms.current * reload_share);
      timer ??= setTimeout(() => {
        timer = undefined;
        reload();
      }, delay_ms);
    };
    const stops = [
      onLive('transfers', (changed) => {
        change((report) => withTransfers(report, changed));
        reloadSoon();
      }),
      onLive('replicas', (changed) => {
        change((report) => withReplicas(report, changed));
        reloadSoon();
      }),
      onLive('images', reloadSoon),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [change, reload]);
  const index = useMemo(() => indexCopies(data?.copies ?? []), [data?.copies]);
  return { ...resource, index };
}
