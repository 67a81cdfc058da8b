import type { ExportFile } from '../core/export_file.js';
import type { DiagramReport, MachineGraph, StepsReport } from '../core/machine_report.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';

/** Whose history can be looked at; on a replica a transfer is its reception there. */
export type InspectedKind = 'transfer' | 'replica' | 'image';

/** Machines, and what actors did. */
export class InspectionClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** @param kind of its actors: image, replica, transfer or reception. @throws IcbdError `InvalidArgument` */
  graph(kind: string, { signal }: CallOptions = {}): Promise<MachineGraph> {
    return this.#connection.call('GET', `machines/${part(kind)}`, { signal });
  }

  /** @throws IcbdError `TransferNotFound`, `ReplicaNotFound`, `ImageNotFound` */
  diagram(kind: InspectedKind, id: string, { signal }: CallOptions = {}): Promise<DiagramReport> {
    return this.#connection.call('GET', `${kind}s/${part(id)}/diagram`, { signal });
  }

  /**
   * What it knew after each of its events, and whether that is what was written down.
   * @param options.limit so many of the newest; default 1,000
   * @throws IcbdError as `diagram`
   */
  steps(
    kind: InspectedKind,
    id: string,
    { limit, signal }: CallOptions & { readonly limit?: number | undefined } = {},
  ): Promise<StepsReport> {
    const query = limit === undefined ? {} : { limit: String(limit) };
    return this.#connection.call('GET', `${kind}s/${part(id)}/steps`, { query, signal });
  }

  /**
   * All that is kept of it, for a file.
   * @throws IcbdError as `diagram`
   */
  export(kind: InspectedKind, id: string, { signal }: CallOptions = {}): Promise<ExportFile> {
    return this.#connection.call('GET', `${kind}s/${part(id)}/export`, { signal });
  }
}
