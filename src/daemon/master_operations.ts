import { IcbdError } from '../core/errors.js';
import type { ReplicaContext } from '../actors/replica.js';
import { limits, protocol_version } from '../core/limits.js';
import type { ControlLink } from '../core/link.js';
import type { EventCause } from '../core/records.js';
import type {
  DoctorCheck,
  DoctorReport,
  HistoryReport,
  ImageAddRequest,
  ImageReport,
  LeftoverRemoval,
  ReplicaReport,
  SendRequest,
  SnapshotReport,
  StatusReport,
  TransferFilter,
  TransferReport,
  VerifyReport,
} from '../core/report.js';
import type { Runtime } from '../runtime/runtime.js';
import { Doctor, type DoctorOptions } from './doctor/doctor.js';
import { replicaChecks, transferChecks } from './doctor/state_checks.js';
import type { ImageRepository } from './image_repository.js';
import type { NodeBase } from './node_base.js';
import type { NodeMethod, NodeParams } from './node_requests.js';
import { nodeStatus } from './node_status.js';
import type { Operations } from './operations.js';
import { system_clock } from './system_clock.js';
import { TransferDesk } from './transfer_desk.js';
import type { TransferReports } from './transfer_reports.js';
import type { VerifyRuns } from './verify/verify_runs.js';

export interface MasterOperationsOptions {
  readonly base: NodeBase;
  readonly runtime: Runtime;
  readonly repository: ImageRepository;
  readonly reports: TransferReports;
  readonly failures_max: number;
  readonly verify_runs: VerifyRuns;
  readonly doctor_places: DoctorOptions['places'];
  readonly linkTo: (node: string) => ControlLink;
  /** `host:port` that replicas dial. */
  readonly link_address: string;
}

const operator: EventCause = { kind: 'operator', who: 'control API' };

/** The master's id among the nodes; replicas count from 1. */
const master_id = '0';

/** What an operator can ask a master for, on itself and on any replica. */
export class MasterOperations implements Operations {
  readonly #options: MasterOperationsOptions;
  readonly #desk: TransferDesk;
  readonly #doctor: Doctor;

  constructor(options: MasterOperationsOptions) {
    const { base, runtime, repository, reports, failures_max } = options;
    this.#options = options;
    this.#desk = new TransferDesk({
      runtime,
      storage: base.storage,
      repository,
      reports,
      resolveReplicas: (to) => this.#resolveReplicas(to),
      instance: base.instance,
      failures_max,
    });
    this.#doctor = new Doctor({
      base,
      repository,
      role: 'master',
      places: options.doctor_places,
      roleChecks: () => this.#doctorChecks(),
    });
  }

  get link_address(): string {
    return this.#options.link_address;
  }

  async status(): Promise<StatusReport> {
    const { base, runtime, repository } = this.#options;
    const replicas = this.#known();
    return nodeStatus(base, {
      role: 'master',
      protocol_version,
      epoch: runtime.epoch,
      link_address: this.link_address,
      is_linked: true,
      replicas_online: replicas.filter(({ state }) => state === 'online').length,
      replicas_total: replicas.length,
      images: repository.list().length,
      transfers_by_state: base.storage.actors.countByState('transfer'),
    });
  }

  async doctor(): Promise<DoctorReport> {
    return this.#doctor.report();
  }

  async removeLeftovers(image: string, names: readonly string[]): Promise<LeftoverRemoval[]> {
    return this.#doctor.removeLeftovers(image, names);
  }

  async replicas(): Promise<ReplicaReport[]> {
    return this.#known().map(({ context, state }) => ({
      node_id: context.node_id,
      name: context.name,
      state,
      address: context.address,
      changed_at_ms: context.changed_at_ms,
      offline_reason: state === 'online' ? '' : context.offline_reason,
      btrfs_progs: context.capabilities?.btrfs_progs ?? '',
      kernel: context.capabilities?.kernel ?? '',
      codecs: context.capabilities?.codecs ?? [],
      transfers_running: context.queue.filter((entry) => entry.state === 'running').length,
      transfers_waiting: context.queue.filter((entry) => entry.state !== 'running').length,
    }));
  }

  async images(node: string | undefined): Promise<ImageReport[]> {
    return this.#on(node, 'image.list', {}, (repository) => repository.list());
  }

  async addImage({ node, ...image }: ImageAddRequest): Promise<ImageReport> {
    return this.#on(node, 'image.add', image, (repository) => repository.add(image, operator));
  }

  async removeImage(name: string, node: string | undefined): Promise<ImageReport> {
    return this.#on(node, 'image.remove', { name }, (repository) => repository.remove(name, operator));
  }

  async snapshots(image: string, node: string | undefined): Promise<SnapshotReport[]> {
    return this.#on(node, 'snapshot.list', { image }, async (repository) =>
      (await repository.snapshots(image)).map((snapshot) => repository.reportSnapshot(image, snapshot)),
    );
  }

  async createSnapshot(
    image: string,
    number: string | undefined,
    node: string | undefined,
  ): Promise<SnapshotReport> {
    const params = number === undefined ? { image } : { image, number };
    return this.#on(node, 'snapshot.create', params, (repository) =>
      repository.createSnapshot(image, number, operator),
    );
  }

  async deleteSnapshot(image: string, number: string, node: string | undefined): Promise<SnapshotReport> {
    return this.#on(node, 'snapshot.delete', { image, number }, (repository) =>
      repository.deleteSnapshot(image, number, operator),
    );
  }

  async verifySnapshot(image: string, number: string, node: string | undefined): Promise<VerifyReport> {
    const { base, linkTo, verify_runs } = this.#options;
    if (node === undefined) {
      const known = this.#known();
      const named = (wanted: boolean): string[] =>
        known.filter(({ state }) => (state === 'online') === wanted).map(({ context }) => context.name);
      const targets = { online: named(true), offline: named(false), is_named: false };
      return verify_runs.start(image, number, targets);
    }
    if (node === base.name || node === master_id) {
      throw new IcbdError('InvalidArgument', `${node} is the master, which the copies are compared with`, {
        operation: 'verify snapshot',
        subject: node,
        hint: 'name a replica, or none for all',
      });
    }
    const { name } = this.#resolve(node);
    linkTo(name);
    return verify_runs.start(image, number, { online: [name], offline: [], is_named: true });
  }

  async verification(id: string): Promise<VerifyReport> {
    return this.#options.verify_runs.report(id);
  }

  async cancelVerification(id: string): Promise<VerifyReport> {
    return this.#options.verify_runs.cancel(id);
  }

  async send(request: SendRequest): Promise<TransferReport[]> {
    return this.#desk.send(request, operator);
  }

  async transfers(filter: TransferFilter): Promise<TransferReport[]> {
    const { replica, ...rest } = filter;
    if (replica === undefined) return this.#options.reports.list(rest);
    return this.#options.reports.list({ ...rest, replica: this.#resolve(replica).name });
  }

  async transfer(id: string): Promise<TransferReport> {
    const { reports } = this.#options;
    return reports.report(reports.require(id));
  }

  async history(id: string): Promise<HistoryReport> {
    return this.#options.reports.history(id);
  }

  async cancel(id: string): Promise<TransferReport> {
    return this.#desk.cancel(id, operator);
  }

  /**
   * Names of the replicas that `to` means: names, ids, or just `all`.
   * @throws IcbdError `ReplicaNotFound`
   */
  #resolveReplicas(to: readonly string[]): string[] {
    const names = to.flatMap((text) =>
      text === 'all' ? this.#known().map(({ context }) => context.name) : [this.#resolve(text).name],
    );
    if (names.length > 0) return [...new Set(names)];
    throw new IcbdError('ReplicaNotFound', 'there are no replicas', {
      operation: 'find replica',
      subject: 'all',
      hint: "add [[replicas]] to the master's config",
    });
  }

  async #doctorChecks(): Promise<DoctorCheck[]> {
    const { base, repository, linkTo } = this.#options;
    const replicas = this.#known().map(({ context, state }) => ({
      name: context.name,
      is_online: state === 'online',
      offline_reason: context.offline_reason,
    }));
    return [
      ...(await transferChecks({ storage: base.storage, repository })),
      ...(await replicaChecks(replicas, linkTo, system_clock)),
    ];
  }

  #known(): { readonly context: ReplicaContext; readonly state: string }[] {
    return this.#options.base.storage.actors
      .list({ kind: 'replica', limit: 100_000 })
      .map(({ snapshot, state }) => ({ context: snapshot.context as ReplicaContext, state }))
      .toSorted((a, b) => a.context.node_id - b.context.node_id);
  }

  #resolve(text: string): ReplicaContext {
    const known = this.#known().map(({ context }) => context);
    const found =
      known.find(({ name }) => name === text) ?? known.find(({ node_id }) => String(node_id) === text);
    if (found !== undefined) return found;
    throw new IcbdError('ReplicaNotFound', `there is no replica ${text}`, {
      operation: 'find replica',
      subject: text,
      hint: `known are: ${known.map(({ name, node_id }) => `${name} (${node_id})`).join(', ') || 'none'}`,
    });
  }

  /** Does something on this node, or asks a replica to. */
  async #on<T, M extends NodeMethod>(
    node: string | undefined,
    method: M,
    params: NodeParams<M>,
    here: (repository: ImageRepository) => T | Promise<T>,
  ): Promise<T> {
    const { base, repository, linkTo } = this.#options;
    if (node === undefined || node === base.name || node === master_id) return here(repository);
    const link = linkTo(this.#resolve(node).name);
    return (await link.request({ method, params }, { timeout_ms: limits.request_ms })) as T;
  }
}
