import type { FleetReport, ThroughputReport } from '../core/fleet_report.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';

export interface ThroughputOptions extends CallOptions {
  /** Unix s; default: an hour ago. */
  readonly since_s?: number | undefined;
  /** Length of a step, seconds; rounded up to tens; default 10. */
  readonly step_s?: number | undefined;
}

/** The master's images and replicas, all together. */
export class FleetClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** Which replica has what of each image. */
  report({ signal }: CallOptions = {}): Promise<FleetReport> {
    return this.#connection.call('GET', 'fleet', { signal });
  }

  /** Bytes that went to a replica. @param replica name or number */
  throughput(
    replica: string,
    { since_s, step_s, signal }: ThroughputOptions = {},
  ): Promise<ThroughputReport> {
    const query = { since_s, step_s };
    return this.#connection.call('GET', `replicas/${part(replica)}/throughput`, { query, signal });
  }
}
