import type { ReplicaHistoryReport, ReplicaReport } from '../core/report.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';

export interface ReplicaHistoryOptions extends CallOptions {
  /** Only events after which the state was another one. */
  readonly changes?: boolean | undefined;
  /** At most so many, the newest; default 1,000. */
  readonly limit?: number | undefined;
}

/** The master's replicas. */
export class ReplicasClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** By number. */
  list({ signal }: CallOptions = {}): Promise<ReplicaReport[]> {
    return this.#connection.call('GET', 'replicas', { signal });
  }

  /** @param replica name or number */
  get(replica: string, { signal }: CallOptions = {}): Promise<ReplicaReport> {
    return this.#connection.call('GET', `replicas/${part(replica)}`, { signal });
  }

  /** Every event of a replica and the state it led to, oldest first. */
  history(
    replica: string,
    { changes, limit, signal }: ReplicaHistoryOptions = {},
  ): Promise<ReplicaHistoryReport> {
    const query = { changes: changes === true ? 'true' : undefined, limit };
    return this.#connection.call('GET', `replicas/${part(replica)}/history`, { query, signal });
  }
}
