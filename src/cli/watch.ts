import type { TransfersClient } from '../client/transfers.js';
import { isOver } from '../client/watch_transfers.js';
import type { Clock } from '../core/clock.js';
import { pause } from './context.js';
import type { Watched } from './render/watch.js';
import { PatientReader } from './wait.js';
import type { WatchDisplay } from './watch_display.js';

export interface WatchTransfersOptions {
  readonly clock: Clock;
  readonly display: WatchDisplay;
  /** Ends the watching. */
  readonly signal: AbortSignal;
  /** Time between two looks. */
  readonly interval_ms: number;
}

/** Newest events that are asked for each time. */
const events_asked = 12;

/**
 * Shows transfers until all are over, also through restarts of the daemon.
 * @param ids whole ones, or their numbers
 * @returns as they were seen last; not all of them over only if `signal` is aborted
 * @throws IcbdError `TransferNotFound`; `DaemonNotRunning` at the first look, or after it was away for 60 s
 */
export async function watchTransfers(
  transfers: Pick<TransfersClient, 'get' | 'history'>,
  ids: readonly string[],
  options: WatchTransfersOptions,
): Promise<Watched[]> {
  const { clock, display, signal, interval_ms } = options;
  const look = async (id: string): Promise<Watched> => {
    if (display.wants_events) return transfers.history(id, { limit: events_asked });
    return { transfer: await transfers.get(id), events: [], effects: [] };
  };
  const reader = new PatientReader({ clock, signal, note: (text) => display.note(text) });
  const current = new Map<string, Watched>();
  for (const id of ids) {
    const watched = await look(id);
    current.set(watched.transfer.id, watched);
  }
  display.show([...current.values()]);
  while (!signal.aborted && ![...current.values()].every(({ transfer }) => isOver(transfer))) {
    await pause(clock, interval_ms, signal);
    for (const [id, { transfer }] of current) {
      if (signal.aborted) break;
      if (isOver(transfer)) continue;
      const next = await reader.read(() => look(id));
      if (next === undefined) break;
      current.set(id, next);
    }
    if (!signal.aborted) display.show([...current.values()]);
  }
  return [...current.values()];
}
