import type { NodeReport, PingReport, ShutdownMode, ShutdownReport } from '../core/node_report.js';
import type { ControlConnection, NodeOptions } from './connection.js';

/** The nodes themselves. */
export class NodesClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** Its name, number, data address and the like. */
  get({ node, signal }: NodeOptions = {}): Promise<NodeReport> {
    return this.#connection.call('GET', 'node', { query: { node }, signal });
  }

  ping({ node, signal }: NodeOptions = {}): Promise<PingReport> {
    return this.#connection.call('POST', 'node/ping', { body: { node }, signal });
  }

  /** The answer comes before it stops. @param options `mode` defaults to `checkpoint` */
  shutdown({
    node,
    mode,
    signal,
  }: NodeOptions & { readonly mode?: ShutdownMode | undefined } = {}): Promise<ShutdownReport> {
    return this.#connection.call('POST', 'node/shutdown', { body: { node, mode }, signal });
  }
}
