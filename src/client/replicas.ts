import type { ReplicaReport } from '../core/report.js';
import type { CallOptions, ControlConnection } from './connection.js';

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
}
