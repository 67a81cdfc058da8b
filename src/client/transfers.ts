import type {
  HistoryFilter,
  HistoryReport,
  SendRequest,
  TransferFilter,
  TransferReport,
} from '../core/report.js';
import type { AcceptReport, CheckRequest } from '../core/node_report.js';
import type { ActorKind } from '../core/records.js';
import type {
  BulkRedriveRequest,
  ForkRequest,
  RedriveReport,
  RedriveRequest,
  UnparkReport,
} from '../core/verbs.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';
import { type WatchOptions, watchTransfer } from './watch_transfers.js';

/** What one answer tells at most. */
const told_max = 1_000;

export interface HistoryOptions extends CallOptions, HistoryFilter {}

const queryOfHistory = ({ after_seq, changes, limit }: HistoryFilter) => ({
  after_seq,
  changes: changes === true ? 'true' : undefined,
  limit,
});

/** A filter as a query has it. */
function queryOfFilter({ states, ...rest }: TransferFilter): Record<string, string | number | undefined> {
  return { ...rest, states: states?.join(',') };
}

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

  /** Newest first, unless the filter says otherwise; a limit over 1,000 takes several calls. */
  async list(filter: TransferFilter = {}, { signal }: CallOptions = {}): Promise<TransferReport[]> {
    const { limit = told_max, offset = 0 } = filter;
    const found: TransferReport[] = [];
    while (found.length < limit) {
      const page_limit = Math.min(limit - found.length, told_max);
      const begin = offset + found.length;
      const query = queryOfFilter({
        ...filter,
        ...(begin === 0 ? {} : { offset: begin }),
        ...(filter.limit === undefined ? {} : { limit: page_limit }),
      });
      const more = await this.#connection.call<TransferReport[]>('GET', 'transfers', { query, signal });
      found.push(...more);
      if (more.length < page_limit) break;
    }
    return found;
  }

  /** How many there are in each state, whatever the filter's limit; `parked` is one of them. */
  count(filter: TransferFilter = {}, { signal }: CallOptions = {}): Promise<Record<string, number>> {
    const query = queryOfFilter(filter);
    // What an order or a page is asked for changes no count, and is refused.
    for (const key of ['sort', 'direction', 'offset', 'limit'] as const) delete query[key];
    return this.#connection.call('GET', 'transfers/count', { query, signal });
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

  /** What happened to it, oldest first: the newest 1,000 events, unless the filter says otherwise. */
  history(id: string, { signal, ...filter }: HistoryOptions = {}): Promise<HistoryReport> {
    const query = queryOfHistory(filter);
    return this.#connection.call('GET', `transfers/${part(id)}/history`, { query, signal });
  }

  /** All that happened to it, however long that is. */
  async wholeHistory(id: string, { signal }: CallOptions = {}): Promise<HistoryReport> {
    const newest = await this.history(id, { signal });
    const { omitted, events } = newest;
    if (omitted === 0) return newest;
    const older = [];
    const effects = new Map(newest.effects.map((effect) => [effect.id, effect]));
    for (let after_seq = 0; older.length < omitted; ) {
      const page = await this.history(id, { after_seq, limit: told_max, signal });
      const wanted = page.events.filter(({ seq }) => seq < (events[0]?.seq ?? 0));
      if (wanted.length === 0) break;
      older.push(...wanted);
      for (const effect of page.effects) if (!effects.has(effect.id)) effects.set(effect.id, effect);
      after_seq = wanted.at(-1)?.seq ?? after_seq;
    }
    const in_order = [...effects.values()].toSorted((one, other) => one.seq - other.seq);
    return { ...newest, events: [...older, ...events], effects: in_order, omitted: 0 };
  }

  cancel(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/cancel`, { signal });
  }

  /** Halts it; what the replica has of it is kept, and later transfers of the image may overtake it. */
  pause(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/pause`, { signal });
  }

  /** Lets one go on that is paused. */
  resume(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/resume`, { signal });
  }

  /** Does not let it wait for its next try. */
  retryNow(id: string, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/retry-now`, { signal });
  }

  /** Runs one again that failed, was cancelled or is parked. */
  redrive(id: string, request: RedriveRequest = {}, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/redrive`, { body: request, signal });
  }

  /** Runs many again, the oldest first, spread over time. */
  redriveAll(request: BulkRedriveRequest = {}, { signal }: CallOptions = {}): Promise<RedriveReport[]> {
    return this.#connection.call('POST', 'redrive', { body: request, signal });
  }

  /** Makes a new one from what this one had decided; the old one stays as it is. */
  fork(id: string, request: ForkRequest = {}, { signal }: CallOptions = {}): Promise<TransferReport> {
    return this.#connection.call('POST', `transfers/${part(id)}/fork`, { body: request, signal });
  }

  /** Lets an actor of the daemon's node go on that was parked: a transfer, reception, replica or image. */
  unpark(kind: ActorKind, id: string, { signal }: CallOptions = {}): Promise<UnparkReport> {
    return this.#connection.call('POST', `actors/${kind}/${part(id)}/unpark`, { signal });
  }
}
