import { IcbdError } from '../../core/errors.js';
import { protocol_version } from '../../core/limits.js';
import type { NameService } from '../../core/name_service.js';
import type { StatusReport } from '../../core/report.js';
import type { TunnelReport } from '../../core/tunnel_report.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { LinkClient } from '../../transport/link_client.js';
import { Doctor, type DoctorOptions } from '../doctor/doctor.js';
import { confinementCheck, masterLinkCheck, receptionChecks } from '../doctor/state_checks.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { NodeBase } from '../node_base.js';
import type { NodeSelf } from '../node_self.js';
import { nodeStatus } from '../node_status.js';
import { tunnelCheck } from '../ssh/replica_tunnel.js';
import { system_clock } from '../system_clock.js';
import type { TransferReports } from '../transfer_reports.js';
import { localImages, localSnapshots } from './image_operations.js';
import { ownNode } from './node_operations.js';
import { inspectionOperations } from './inspection_operations.js';
import type { NodeChoice, Operations } from './operations.js';
import { replicaVerbs } from './verb_operations.js';

export interface ReplicaOperationsOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly repository: ImageRepository;
  readonly self: NodeSelf;
  readonly reports: TransferReports;
  readonly client: LinkClient;
  /** Undefined: there is none. */
  readonly tunnelReport: () => TunnelReport | undefined;
  /** Where the master is, as far as is known. */
  readonly masterUrl: () => string;
  readonly names: NameService;
  readonly doctor_places: DoctorOptions['places'];
}

function askTheMaster(what: string): IcbdError {
  return new IcbdError('NotPermitted', `this is a replica: ${what} is the master's`, {
    operation: what,
    hint: "name the master's socket with --socket or ICBDREP_SOCKET",
  });
}

const refuse = (what: string) => async (): Promise<never> => {
  throw askTheMaster(what);
};

/** What an operator can ask a replica for: its own images, and the receptions of its transfers. */
export function replicaOperations(options: ReplicaOperationsOptions): Operations {
  const { base, repository, reports, client, masterUrl, names, doctor_places: places } = options;
  const doctor = new Doctor({
    base,
    repository,
    role: 'replica',
    places,
    roleChecks: async () => [
      ...receptionChecks(base.storage, system_clock.now()),
      await confinementCheck(base.mountpoint),
      ...[options.tunnelReport()].flatMap((tunnel) => (tunnel === undefined ? [] : [tunnelCheck(tunnel)])),
      masterLinkCheck(client.link !== undefined, masterUrl()),
    ],
  });
  const here = (node: NodeChoice): ImageRepository => {
    if (node === undefined || node === base.name) return repository;
    throw askTheMaster(`asking the node ${node}`);
  };
  const comparing = refuse('comparing with copies');
  return {
    status: () => status(options),
    nodes: ownNode(options.self, base.name, () => client.link, askTheMaster),
    doctor: {
      report: async () => doctor.report(),
      removeLeftovers: async (image, names) => doctor.removeLeftovers(image, names),
    },
    replicas: {
      list: refuse('the list of replicas'),
      get: refuse('the list of replicas'),
      history: refuse('the history of replicas'),
    },
    fleet: { report: refuse('the fleet'), throughput: refuse('the throughput of replicas') },
    images: localImages(here),
    snapshots: localSnapshots(here),
    verifications: { start: comparing, report: comparing, cancel: comparing },
    transfers: {
      send: refuse('sending'),
      check: refuse('sending'),
      list: async (filter) => reports.list(filter),
      get: async (id) => reports.report(reports.require(id)),
      count: async (filter) => reports.count(filter),
      history: async (id, filter) => reports.history(id, filter),
      cancel: refuse('cancelling'),
    },
    verbs: replicaVerbs({ runtime: options.runtime, storage: base.storage, reports }, refuse),
    inspection: inspectionOperations({
      storage: base.storage,
      node: base.name,
      find: {
        transfer: (id) => reports.require(id),
        replica: () => {
          throw askTheMaster('the history of replicas');
        },
        image: (name) => repository.require(name),
      },
    }),
    names,
  };
}

async function status(options: ReplicaOperationsOptions): Promise<StatusReport> {
  const { base, runtime, repository, client, masterUrl } = options;
  return nodeStatus(base, {
    role: 'replica',
    protocol_version,
    epoch: runtime.epoch,
    link_address: masterUrl(),
    is_linked: client.link !== undefined,
    tunnel: options.tunnelReport() ?? null,
    replicas_online: 0,
    replicas_total: 0,
    images: repository.list().length,
    transfers_by_state: base.storage.actors.countByState('reception'),
  });
}
