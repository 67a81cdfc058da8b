import { setTimeout as sleep } from 'node:timers/promises';
import { IcbdError } from '../core/errors.js';
import type { TransferReport } from '../core/report.js';
import type { CallOptions } from './connection.js';

/** Time between two looks at a transfer, ms. */
const look_interval_ms = 500;

export interface WatchOptions extends CallOptions {
  /** Default: 500. */
  readonly interval_ms?: number | undefined;
}

/** Whether nothing will happen any more with a transfer by itself. */
export function isOver(transfer: TransferReport): boolean {
  return transfer.settled || transfer.parked_reason !== '';
}

async function waitAWhile({ signal, interval_ms = look_interval_ms }: WatchOptions): Promise<void> {
  try {
    await sleep(interval_ms, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    if (signal?.reason instanceof IcbdError) throw signal.reason;
    throw new IcbdError('Cancelled', 'the waiting was given up', { operation: 'watch transfer', cause });
  }
}

/**
 * The transfer each time that something of it has changed, and last when it is over.
 * @param get asks the daemon
 * @throws IcbdError what `get` throws; `Cancelled` by the signal
 */
export async function* watchTransfer(
  get: () => Promise<TransferReport>,
  options: WatchOptions = {},
): AsyncGenerator<TransferReport, void, undefined> {
  let shown = '';
  for (;;) {
    const transfer = await get();
    const now = JSON.stringify(transfer);
    if (now !== shown) yield transfer;
    shown = now;
    if (isOver(transfer)) return;
    await waitAWhile(options);
  }
}
