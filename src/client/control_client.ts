import type { StatusReport } from '../core/report.js';
import type { DoctorReport, LeftoverRemoval } from '../core/doctor_report.js';
import { type CallOptions, ControlConnection, type TextCall } from './connection.js';
import type { DaemonAddress } from './daemon_address.js';
import { EventsClient } from './events.js';
import { FleetClient } from './fleet.js';
import { ImagesClient } from './images.js';
import { InspectionClient } from './inspection.js';
import { NodesClient } from './nodes.js';
import { NamesClient } from './names.js';
import { ReplicasClient } from './replicas.js';
import { SnapshotsClient } from './snapshots.js';
import { TransfersClient } from './transfers.js';

/**
 * A client of one daemon's control API.
 * Every method throws IcbdError: what the daemon answered, or `DaemonNotRunning` when nobody listens.
 */
export class ControlClient {
  readonly nodes: NodesClient;
  readonly images: ImagesClient;
  readonly snapshots: SnapshotsClient;
  readonly transfers: TransfersClient;
  readonly replicas: ReplicasClient;
  readonly fleet: FleetClient;
  readonly inspection: InspectionClient;
  readonly names: NamesClient;
  readonly events: EventsClient;
  readonly #connection: ControlConnection;

  /** @param address path of the daemon's unix socket, or where it listens */
  constructor(address: DaemonAddress) {
    this.#connection = new ControlConnection(address);
    this.events = new EventsClient(this.#connection);
    this.names = new NamesClient(this.#connection);
    this.nodes = new NodesClient(this.#connection);
    this.images = new ImagesClient(this.#connection);
    this.snapshots = new SnapshotsClient(this.#connection);
    this.transfers = new TransfersClient(this.#connection);
    this.replicas = new ReplicasClient(this.#connection);
    this.inspection = new InspectionClient(this.#connection);
    this.fleet = new FleetClient(this.#connection);
  }

  /**
   * One request as it is, for what this client has no method for.
   * @param path with its query; from `/v1/` on and without it, or all of it with a slash before
   * @returns the answer as text, which is JSON but for `/metrics`
   */
  raw(method: string, path: string, call: TextCall = {}): Promise<string> {
    return this.#connection.text(method, path.startsWith('/') ? path : `/v1/${path}`, call);
  }

  status({ signal }: CallOptions = {}): Promise<StatusReport> {
    return this.#connection.call('GET', 'status', { signal });
  }

  doctor({ signal }: CallOptions = {}): Promise<DoctorReport> {
    return this.#connection.call('GET', 'doctor', { signal });
  }

  /** Removes hidden subvolumes of an image that no transfer wants. */
  removeLeftovers(
    image: string,
    names: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<LeftoverRemoval[]> {
    return this.#connection.call('POST', 'doctor/remove', { body: { image, names }, signal });
  }
}
