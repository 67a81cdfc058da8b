/** All that the page of one transfer shows, loaded once and then kept up to date by what the master tells. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { IcbdError } from '../../core/errors.js';
import type { DiagramReport } from '../../core/machine_report.js';
import type { EventRecord } from '../../core/records.js';
import type { HistoryReport, TransferReport } from '../../core/report.js';
import { get, part } from '../api.js';
import { onEventsOf, onLive } from '../live.js';
import { type Resource, useResource } from '../resource.js';
import { endsWork, firstOpenSeq, merged, withEvent } from './merge.js';

/** So many events are loaded at first, and with each look further back. */
const loaded_at_once = 500;
/** Ends of work come in heaps: they are asked for once for each heap. */
const ask_again_ms = 250;

export interface TransferView {
  readonly transfer: TransferReport;
  /** Older events that were not loaded. */
  readonly omitted: number;
  readonly events: readonly EventRecord[];
  readonly effects: HistoryReport['effects'];
  readonly diagram: DiagramReport;
}

export interface UsedTransfer {
  readonly data: TransferView | undefined;
  readonly error: IcbdError | null;
  readonly reload: () => void;
  /** Puts in what an answer to a verb says. */
  readonly learn: (transfer: TransferReport) => void;
  readonly loadOlder: () => Promise<void>;
}

async function load(id: string, until: AbortSignal): Promise<TransferView> {
  const [history, diagram] = await Promise.all([
    get<HistoryReport>(`transfers/${part(id)}/history`, { limit: loaded_at_once }, until),
    get<DiagramReport>(`transfers/${part(id)}/diagram`, {}, until),
  ]);
  return { ...history, diagram };
}

/** Reads how work ended that ran when it was last looked at. */
async function readOpen(view: TransferView): Promise<HistoryReport> {
  const query = { after_seq: Math.max(0, firstOpenSeq(view)), limit: loaded_at_once };
  return get<HistoryReport>(`transfers/${part(view.transfer.id)}/history`, query);
}

const withHistory = (view: TransferView, { transfer, events, effects }: HistoryReport): TransferView => ({
  ...view,
  transfer,
  ...merged(view, { events, effects }),
});

function useLive(id: string, { data, change }: Resource<TransferView>): void {
  const newest = useRef(data);
  newest.current = data;
  const whole_id = data?.transfer.id ?? id;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askAgain = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (newest.current === undefined) return;
        // What cannot be read now is read with the next end, or when the link to the master is back.
        readOpen(newest.current).then(
          (history) => change((view) => withHistory(view, history)),
          () => undefined,
        );
      }, ask_again_ms);
    };
    const stops = [
      onEventsOf({ kind: 'transfer', id: whole_id }, (event) => {
        change((view) => ({ ...view, ...withEvent(view, event) }));
        if (endsWork(event)) askAgain();
      }),
      onLive('transfers', (changed) => {
        const transfer = changed.find((candidate) => candidate.id === whole_id);
        if (transfer !== undefined) change((view) => ({ ...view, transfer }));
      }),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [whole_id, change]);
}

/** @param id whole, or its number alone */
export function useTransfer(id: string): UsedTransfer {
  const resource = useResource(`transfer ${id}`, (until) => load(id, until));
  useLive(id, resource);
  const { data, error, reload, change } = resource;
  return useMemo(
    () => ({
      data,
      error,
      reload,
      learn: (transfer) => change((view) => ({ ...view, transfer })),
      loadOlder: async () => {
        const first_seq = data?.events[0]?.seq ?? 1;
        const after_seq = Math.max(0, first_seq - 1 - loaded_at_once);
        const query = { after_seq, limit: first_seq - 1 - after_seq };
        const older = await get<HistoryReport>(`transfers/${part(id)}/history`, query);
        change((view) => {
          const added = older.events.filter(({ seq }) => seq < first_seq).length;
          // What was compacted away is not there to be loaded, however many were counted.
          const omitted = after_seq === 0 ? 0 : Math.max(0, view.omitted - added);
          return { ...view, ...merged(older, view), omitted };
        });
      },
    }),
    [id, data, error, reload, change],
  );
}
