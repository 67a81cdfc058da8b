import type { TransfersClient } from '../client/transfers.js';
import { isOver } from '../client/watch_transfers.js';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import type { TransferReport } from '../core/report.js';
import { pause } from './context.js';
import type { ProgressDisplay } from './display.js';

export interface WaitOptions {
  readonly clock: Clock;
  readonly display: ProgressDisplay;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Time between two looks. */
  readonly interval_ms: number;
}

/** How long a daemon that does not answer is waited for, ms. */
export const patience_ms = 60_000;

/** Whether the snapshot is not on its replica although the transfer is over. */
export function isLost(transfer: TransferReport): boolean {
  return isOver(transfer) && transfer.state !== 'completed';
}

export interface PatientReaderOptions {
  readonly clock: Clock;
  /** Ends the patience. */
  readonly signal: AbortSignal;
  /** Told when the daemon is away, and when it is back. */
  readonly note: (text: string) => void;
}

/** Asks again while the daemon is away, as it is when it is restarted. */
export class PatientReader {
  readonly #options: PatientReaderOptions;
  #away_since_ms: number | null = null;

  constructor(options: PatientReaderOptions) {
    this.#options = options;
  }

  /**
   * @returns undefined if the daemon did not answer now
   * @throws IcbdError `DaemonNotRunning` if it was away for 60 s; all else that it answers
   */
  async read<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const { clock, note } = this.#options;
    try {
      const answer = await ask();
      if (this.#away_since_ms !== null) note('the daemon is back');
      this.#away_since_ms = null;
      return answer;
    } catch (error) {
      // Nobody waits any more: what is lost now is no news.
      if (this.#options.signal.aborted) return undefined;
      if (!(error instanceof IcbdError) || error.code !== 'DaemonNotRunning') throw error;
      if (this.#away_since_ms === null) {
        note(`${error.message}: waits up to ${patience_ms / 1_000} s for it to come back`);
        this.#away_since_ms = clock.now();
      }
      if (clock.now() - this.#away_since_ms >= patience_ms) throw error;
      return undefined;
    }
  }
}

/**
 * Waits until all transfers are over, and shows meanwhile where they stand.
 * @returns the transfers in their order as they were seen last; not all of them over only if `signal` is aborted
 * @throws IcbdError `DaemonNotRunning` if the daemon was away for 60 s; all else that it answers
 */
export async function waitForTransfers(
  transfers: Pick<TransfersClient, 'get'>,
  started: readonly TransferReport[],
  options: WaitOptions,
): Promise<TransferReport[]> {
  const { clock, signal, display } = options;
  const reader = new PatientReader({ clock, signal, note: (text) => display.note(text) });
  const current = [...started];
  options.display.show(current);
  while (!options.signal.aborted && !current.every(isOver)) {
    await pause(options.clock, options.interval_ms, options.signal);
    for (const [index, transfer] of current.entries()) {
      if (options.signal.aborted) break;
      if (isOver(transfer)) continue;
      const next = await reader.read(() => transfers.get(transfer.id));
      if (next === undefined) break;
      current[index] = next;
    }
    if (!options.signal.aborted) options.display.show(current);
  }
  return current;
}
