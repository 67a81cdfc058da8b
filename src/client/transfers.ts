import type { HistoryReport, SendRequest, TransferFilter, TransferReport } from '../core/report.js';
import type { AcceptReport, CheckRequest } from '../core/node_report.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';
import { type WatchOptions, watchTransfer } from './watch_transfers.js';

/** Transfers; on a replica, receptions. */
export class TransfersClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** Starts one transfer for each number and replica, in the order of the numbers. */
  send(request: SendRequest, { signal }: CallOptions = {}): Promise<TransferReport[]> {
    return this.#connection.call('POST', 'transfers', { body: request, signal });
  }

  /** Asks each replica whether it would take the snapshots; nothing is sent. */
  check(request: CheckRequest, { signal }: CallOptions = {}): Promise<AcceptReport[]> {
    return this.#connection.call('POST', 'transfers/check', { body: request, signal });
  }

  /** Newest first. */
  list({ states, ...rest }: TransferFilter = {}, { signal }: CallOptions = {}): Promise<TransferReport[]> {
    return this.#connection.call('GET', 'transfers', {
      query: { ...rest, states: states?.join(',') },
      signal,
    });
  }

  /** @param id for example `17-3fa9`, or the number before the dash alone */
  get(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('GET', `transfers/${part(id)}`, { signal });
  }

  /** The transfer each time that something of it has changed, and last when it is over. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<TransferReport, void, undefined> {
    const { signal } = options;
    return watchTransfer(() => this.get(id, { signal }), options);
  }

  /**
   * Waits until all are over, whatever came of them.
   * @throws IcbdError `DaemonNotRunning` as soon as the daemon does not answer; `Cancelled` by the signal
   */
  async wait(ids: readonly string[], options: WatchOptions = {}): Promise<TransferReport[]> {
    const ended: TransferReport[] = [];
    for (const id of ids) {
      let last: TransferReport | undefined;
      for await (const transfer of this.watch(id, options)) last = transfer;
      if (last !== undefined) ended.push(last);
    }
    return ended;
  }

  history(id: string, { signal }: CallOptions = {}): Promise<HistoryReport> {
    return this.#connection.call('GET', `transfers/${part(id)}/history`, { signal });
  }

  cancel(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/cancel`, { signal });
  }
}
