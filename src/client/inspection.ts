import type { DiagramReport, MachineGraph } from '../core/machine_report.js';
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
}
