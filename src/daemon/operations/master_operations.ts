import { isConnected } from '../../actors/replica.js';
import { protocol_version } from '../../core/limits.js';
import type { ControlLink } from '../../core/link.js';
import type { NameService } from '../../core/name_service.js';
import type { StatusReport, TransferFilter } from '../../core/report.js';
import type { DoctorCheck } from '../../core/doctor_report.js';
import type { Runtime } from '../../runtime/runtime.js';
import { Doctor, type DoctorOptions } from '../doctor/doctor.js';
import { replicaChecks, transferChecks } from '../doctor/state_checks.js';
import type { ImageRepository } from '../images/image_repository.js';
import type { KeepAliveReport } from '../keep_alive.js';
import type { NodeBase } from '../node_base.js';
import type { NodeMethod } from '../node_requests.js';
import type { NodeSelf } from '../node_self.js';
import { nodeStatus } from '../node_status.js';
import { system_clock } from '../system_clock.js';
import { TransferDesk } from '../transfer_desk.js';
import type { TransferReports } from '../transfer_reports.js';
import type { VerifyRuns } from '../verify/verify_runs.js';
import type { FleetBoard } from '../fleet/fleet_board.js';
import { Fleet } from './fleet.js';
import { fleetReportOperations } from './fleet_report_operations.js';
import { fleetImages, fleetSnapshots, operator } from './image_operations.js';
import { inspectionOperations } from './inspection_operations.js';
import type { Operations, TransferOperations } from './operations.js';
import { checkSend, fleetNodes } from './node_operations.js';
import { replicaListOperations } from './replica_list_operations.js';
import { masterVerbs } from './verb_operations.js';
import { verifyOperations } from './verify_operations.js';

/** Requests to a replica after which it may hold other snapshots. */
const changing_methods = new Set<NodeMethod>([
  'image.add',
  'image.remove',
  'image.rescan',
  'snapshot.create',
  'snapshot.add',
  'snapshot.delete',
]);

export interface MasterOperationsOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly repository: ImageRepository;
  readonly self: NodeSelf;
  readonly reports: TransferReports;
  /** Names of the replicas in the config. */
  readonly configured: ReadonlySet<string>;
  readonly failures_max: number;
  readonly verify_runs: VerifyRuns;
  readonly board: FleetBoard;
  readonly doctor_places: DoctorOptions['places'];
  readonly linkTo: (node: string) => ControlLink;
  readonly names: NameService;
  readonly keepAliveOf: (node: string) => KeepAliveReport | undefined;
  /** `host:port` that replicas dial. */
  readonly link_address: string;
}

/** What an operator can ask a master for, on itself and on any replica. */
export function masterOperations(options: MasterOperationsOptions): Operations {
  const { base, runtime, repository, linkTo } = options;
  const fleet = new Fleet({
    name: base.name,
    storage: base.storage,
    configured: options.configured,
    linkTo,
    onAsked: (node, method, params) => noteAsked(options.board, node, method, params),
  });
  const desk = makeDesk(options, fleet);
  const doctor = new Doctor({
    base,
    repository,
    role: 'master',
    places: options.doctor_places,
    roleChecks: () => doctorChecks(options, fleet),
  });
  return {
    status: () => status(options, fleet),
    nodes: fleetNodes(fleet, options.self, base.name),
    doctor: {
      report: async () => doctor.report(),
      removeLeftovers: async (image, names) => doctor.removeLeftovers(image, names),
    },
    replicas: replicaListOperations({ fleet, storage: base.storage, keepAliveOf: options.keepAliveOf }),
    fleet: fleetReportOperations({
      fleet,
      board: options.board,
      throughput: base.storage.throughput,
      clock: system_clock,
    }),
    images: fleetImages(fleet, repository),
    snapshots: fleetSnapshots(fleet, repository),
    verifications: verifyOperations(fleet, options.verify_runs),
    transfers: transferOperations(options, fleet, desk),
    verbs: masterVerbs({ desk, fleet, runtime, storage: base.storage, reports: options.reports }),
    inspection: inspectionOperations({
      storage: base.storage,
      node: base.name,
      find: {
        transfer: (id) => options.reports.require(id),
        replica: (text) => ({ kind: 'replica', id: fleet.resolve(text).name }),
        image: (name) => repository.require(name),
      },
    }),
    names: options.names,
  };
}

/** What an operator lets a replica do with its images changes what it holds. */
function noteAsked(board: FleetBoard, node: string, method: NodeMethod, params: unknown): void {
  if (!changing_methods.has(method)) return;
  const { name, image } = params as { readonly name?: string; readonly image?: string };
  board.changed(node, image ?? name);
}

async function status(options: MasterOperationsOptions, fleet: Fleet): Promise<StatusReport> {
  const { base, runtime, repository, link_address } = options;
  const replicas = fleet.replicas();
  return nodeStatus(base, {
    role: 'master',
    protocol_version,
    epoch: runtime.epoch,
    link_address,
    is_linked: true,
    replicas_online: replicas.filter(({ state }) => isConnected(state)).length,
    replicas_total: replicas.length,
    images: repository.list().length,
    transfers_by_state: base.storage.actors.countByState('transfer'),
  });
}

async function doctorChecks(
  { base, repository, linkTo }: MasterOperationsOptions,
  fleet: Fleet,
): Promise<DoctorCheck[]> {
  const replicas = fleet.replicas().map(({ context, state }) => ({
    name: context.name,
    is_online: isConnected(state),
    offline_reason: context.reason,
  }));
  return [
    ...(await transferChecks({ storage: base.storage, repository })),
    ...(await replicaChecks(replicas, linkTo, system_clock)),
  ];
}

function makeDesk(options: MasterOperationsOptions, fleet: Fleet): TransferDesk {
  const { base, runtime, repository, reports, failures_max } = options;
  return new TransferDesk({
    runtime,
    storage: base.storage,
    repository,
    reports,
    resolveReplicas: (to) => fleet.resolveAll(to),
    instance: base.instance,
    failures_max,
  });
}

function transferOperations(
  { repository, reports }: MasterOperationsOptions,
  fleet: Fleet,
  desk: TransferDesk,
): TransferOperations {
  // A replica may be asked for by its number.
  const named = ({ replica, ...rest }: TransferFilter): TransferFilter =>
    replica === undefined ? rest : { ...rest, replica: fleet.resolve(replica).name };
  return {
    send: async (request) => desk.send(request, operator),
    check: async (request) => checkSend(fleet, repository, request),
    list: async (filter) => reports.list(named(filter)),
    count: async (filter) => reports.count(named(filter)),
    get: async (id) => reports.report(reports.require(id)),
    history: async (id, filter) => reports.history(id, filter),
    cancel: async (id) => desk.act(id, 'cancel', operator),
  };
}
