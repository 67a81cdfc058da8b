import { IcbdError } from '../core/errors.js';
import { protocol_version } from '../core/limits.js';
import type { EventCause } from '../core/records.js';
import type {
  DoctorReport,
  HistoryReport,
  ImageAddRequest,
  ImageReport,
  LeftoverRemoval,
  ReplicaReport,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
  VerifyReport,
} from '../core/report.js';
import type { Runtime } from '../runtime/runtime.js';
import type { LinkClient } from '../transport/link_client.js';
import { Doctor, type DoctorOptions } from './doctor/doctor.js';
import { confinementCheck, masterLinkCheck, receptionChecks } from './doctor/state_checks.js';
import type { ImageRepository } from './image_repository.js';
import type { NodeBase } from './node_base.js';
import { nodeStatus } from './node_status.js';
import type { Operations } from './operations.js';
import { system_clock } from './system_clock.js';
import type { TransferReports } from './transfer_reports.js';

export interface ReplicaOperationsOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly repository: ImageRepository;
  readonly reports: TransferReports;
  readonly client: LinkClient;
  readonly master_url: string;
  readonly doctor_places: DoctorOptions['places'];
}

const operator: EventCause = { kind: 'operator', who: 'control API' };

function askTheMaster(what: string): IcbdError {
  return new IcbdError('NotPermitted', `this is a replica: ${what} is the master's`, {
    operation: what,
    hint: "name the master's socket with --socket or ICBDREP_SOCKET",
  });
}

/** What an operator can ask a replica for: its own images, and the receptions of its transfers. */
export class ReplicaOperations implements Operations {
  readonly #options: ReplicaOperationsOptions;
  readonly #doctor: Doctor;

  constructor(options: ReplicaOperationsOptions) {
    const { base, repository, client, master_url, doctor_places: places } = options;
    this.#options = options;
    this.#doctor = new Doctor({
      base,
      repository,
      role: 'replica',
      places,
      roleChecks: async () => [
        ...receptionChecks(base.storage, system_clock.now()),
        await confinementCheck(base.mountpoint),
        masterLinkCheck(client.link !== undefined, master_url),
      ],
    });
  }

  async status(): Promise<StatusReport> {
    const { base, runtime, repository, client, master_url } = this.#options;
    return nodeStatus(base, {
      role: 'replica',
      protocol_version,
      epoch: runtime.epoch,
      link_address: master_url,
      is_linked: client.link !== undefined,
      replicas_online: 0,
      replicas_total: 0,
      images: repository.list().length,
      transfers_by_state: base.storage.actors.countByState('reception'),
    });
  }

  async doctor(): Promise<DoctorReport> {
    return this.#doctor.report();
  }

  async removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]> {
    return this.#doctor.removeLeftovers(image, names);
  }

  async replicas(): Promise<ReplicaReport[]> {
    throw askTheMaster('the list of replicas');
  }

  async images(node: string | undefined): Promise<ImageReport[]> {
    return this.#here(node).list();
  }

  async addImage({ node, ...image }: ImageAddRequest): Promise<ImageReport> {
    return this.#here(node).add(image, operator);
  }

  async removeImage(name: string, node: string | undefined): Promise<ImageReport> {
    return this.#here(node).remove(name, operator);
  }

  async snapshots(image: string, node: string | undefined): Promise<SnapshotReport[]> {
    const repository = this.#here(node);
    return (await repository.snapshots(image)).map((snapshot) => repository.reportSnapshot(image, snapshot));
  }

  async createSnapshot(
    image: string,
    number: string | undefined,
    node: string | undefined,
  ): Promise<SnapshotReport> {
    return this.#here(node).createSnapshot(image, number, operator);
  }

  async deleteSnapshot(image: string, number: string, node: string | undefined): Promise<SnapshotReport> {
    return this.#here(node).deleteSnapshot(image, number, operator);
  }

  async verifySnapshot(): Promise<VerifyReport> {
    throw askTheMaster('comparing with copies');
  }

  async verification(): Promise<VerifyReport> {
    throw askTheMaster('comparing with copies');
  }

  async cancelVerification(): Promise<VerifyReport> {
    throw askTheMaster('comparing with copies');
  }

  async send(): Promise<TransferReport[]> {
    throw askTheMaster('sending');
  }

  async transfers(filter: TransferFilter): Promise<TransferReport[]> {
    return this.#options.reports.list(filter);
  }

  async transfer(id: string): Promise<TransferReport> {
    const { reports } = this.#options;
    return reports.report(reports.require(id));
  }

  async history(id: string): Promise<HistoryReport> {
    return this.#options.reports.history(id);
  }

  async cancel(): Promise<TransferReport> {
    throw askTheMaster('cancelling');
  }

  #here(node: string | undefined): ImageRepository {
    const { base, repository } = this.#options;
    if (node === undefined || node === base.name) return repository;
    throw askTheMaster(`asking the node ${node}`);
  }
}
