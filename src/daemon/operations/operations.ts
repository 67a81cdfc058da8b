import type {
  AcceptReport,
  CheckRequest,
  NodeReport,
  PingReport,
  ShutdownMode,
  ShutdownReport,
} from '../../core/node_report.js';
import type { ExportFile } from '../../core/export_file.js';
import type { NameService } from '../../core/name_service.js';
import type {
  HistoryFilter,
  HistoryReport,
  ImageAddRequest,
  ImageDetails,
  ImageHistoryReport,
  ImageReport,
  ReplicaHistoryReport,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
} from '../../core/report.js';
import type { FleetReport, ThroughputReport } from '../../core/fleet_report.js';
import type { DoctorReport, LeftoverRemoval } from '../../core/doctor_report.js';
import type { DiagramReport, MachineGraph, StepsReport } from '../../core/machine_report.js';
import type {
  BulkRedriveRequest,
  ForkRequest,
  RedriveReport,
  RedriveRequest,
  UnparkReport,
} from '../../core/verbs.js';
import type { VerifyReport } from '../../core/verify_report.js';

/** A node by its name or number; undefined is the one that is asked. */
export type NodeChoice = string | undefined;

export interface NodeOperations {
  get(node: NodeChoice): Promise<NodeReport>;
  ping(node: NodeChoice): Promise<PingReport>;
  shutdown(node: NodeChoice, mode: ShutdownMode): Promise<ShutdownReport>;
}

export interface DoctorOperations {
  report(): Promise<DoctorReport>;
  /** Removes hidden subvolumes in the image's directory that no transfer wants; others are left alone. */
  removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]>;
}

export interface ReplicaListOperations {
  list(): Promise<ReplicaReport[]>;
  /** @param replica name or number */
  get(replica: string): Promise<ReplicaReport>;
  history(replica: string, filter: HistoryFilter): Promise<ReplicaHistoryReport>;
}

export interface ThroughputFilter {
  /** Unix s; default: an hour ago. */
  readonly since_s?: number | undefined;
  /** Length of a step, seconds; rounded up to tens; default 10. */
  readonly step_s?: number | undefined;
}

export interface FleetOperations {
  /** What each replica has of each image. */
  report(): Promise<FleetReport>;
  /** @param replica name or number */
  throughput(replica: string, filter: ThroughputFilter): Promise<ThroughputReport>;
}

export interface ImageOperations {
  list(node: NodeChoice): Promise<ImageReport[]>;
  get(name: string, node: NodeChoice): Promise<ImageDetails>;
  add(request: ImageAddRequest): Promise<ImageReport>;
  remove(name: string, node: NodeChoice): Promise<ImageReport>;
  /** Looks at the disk again. */
  rescan(name: string, node: NodeChoice): Promise<ImageReport>;
  history(name: string, filter: HistoryFilter, node: NodeChoice): Promise<ImageHistoryReport>;
}

export interface SnapshotListOptions {
  readonly node?: NodeChoice;
  /** Whether to find out who needs which; it may take a moment. */
  readonly needs?: boolean | undefined;
}

export interface SnapshotAddOptions {
  readonly node?: NodeChoice;
  /** Absolute path of the subvolume to take a read-only snapshot of; default: the one that stands there. */
  readonly from?: string | undefined;
}

export interface SnapshotDeleteOptions {
  readonly node?: NodeChoice;
  /** Deletes also what somebody needs. */
  readonly force?: boolean | undefined;
}

export interface SnapshotOperations {
  list(image: string, options: SnapshotListOptions): Promise<SnapshotReport[]>;
  get(image: string, number: string, node: NodeChoice): Promise<SnapshotReport>;
  last(image: string, node: NodeChoice): Promise<SnapshotReport>;
  create(image: string, number: string | undefined, node: NodeChoice): Promise<SnapshotReport>;
  add(image: string, number: string, options: SnapshotAddOptions): Promise<SnapshotReport>;
  delete(image: string, number: string, options: SnapshotDeleteOptions): Promise<SnapshotReport>;
}

export interface VerifyOperations {
  /** Starts to compare the master's snapshot with its copies: on `node`, or on all replicas that are online. */
  start(image: string, number: string, node: NodeChoice): Promise<VerifyReport>;
  report(id: string): Promise<VerifyReport>;
  cancel(id: string): Promise<VerifyReport>;
}

export interface TransferOperations {
  send(request: SendRequest): Promise<TransferReport[]>;
  /** Asks each replica whether it would take the snapshots; nothing is sent. */
  check(request: CheckRequest): Promise<AcceptReport[]>;
  list(filter: TransferFilter): Promise<TransferReport[]>;
  get(id: string): Promise<TransferReport>;
  /** How many fit the filter in each state, whatever its limit. */
  count(filter: TransferFilter): Promise<Record<string, number>>;
  history(id: string, filter: HistoryFilter): Promise<HistoryReport>;
  cancel(id: string): Promise<TransferReport>;
}

/** What changes transfers that are there. What has its effect already changes nothing. */
export interface VerbOperations {
  act(id: string, verb: 'pause' | 'resume' | 'retry-now'): Promise<TransferReport>;
  redrive(id: string, request: RedriveRequest): Promise<TransferReport>;
  redriveAll(request: BulkRedriveRequest): Promise<RedriveReport[]>;
  /** @returns the new one */
  fork(id: string, request: ForkRequest): Promise<TransferReport>;
  /** @param kind of an actor of this node */
  unpark(kind: string, id: string): Promise<UnparkReport>;
}

/** Whose history can be looked at; on a replica a transfer is its reception there. */
export type InspectedKind = 'transfer' | 'replica' | 'image';

export interface InspectedAddress {
  readonly kind: InspectedKind;
  /** Of a replica or an image its name. */
  readonly id: string;
}

export interface InspectionOperations {
  /** @param kind of its actors */
  graph(kind: string): Promise<MachineGraph>;
  diagram(address: InspectedAddress): Promise<DiagramReport>;
  /** What it knew after each event; the newest `limit`, default 1,000. */
  steps(address: InspectedAddress, options: { readonly limit?: number | undefined }): Promise<StepsReport>;
  /** All of it, to be looked at anywhere. */
  export(address: InspectedAddress): Promise<ExportFile>;
}

/**
 * What an operator can ask a node for; the control API calls these, and the client in src/client mirrors them.
 * All throw IcbdError.
 */
export interface Operations {
  readonly status: () => Promise<StatusReport>;
  readonly nodes: NodeOperations;
  readonly doctor: DoctorOperations;
  readonly replicas: ReplicaListOperations;
  readonly fleet: FleetOperations;
  readonly images: ImageOperations;
  readonly snapshots: SnapshotOperations;
  readonly verifications: VerifyOperations;
  readonly transfers: TransferOperations;
  readonly verbs: VerbOperations;
  readonly inspection: InspectionOperations;
  /** The daemon's own name server, or the one that it has a link to. */
  readonly names: NameService;
}
