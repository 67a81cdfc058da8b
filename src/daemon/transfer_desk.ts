import type { TransferInput } from '../actors/transfer_events.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord, EventCause } from '../core/records.js';
import type { SendRequest, TransferReport } from '../core/report.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Storage } from '../storage/storage.js';
import type { ImageRepository } from './images/image_repository.js';
import type { TransferReports } from './transfer_reports.js';

/** Transfers that one request may start. */
const transfers_max = 10_000;

export interface TransferDeskOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly repository: ImageRepository;
  readonly reports: TransferReports;
  /** Names of the replicas that `to` means. @throws IcbdError `ReplicaNotFound` */
  readonly resolveReplicas: (to: readonly string[]) => string[];
  /** Names this node's state database. */
  readonly instance: string;
  readonly failures_max: number;
}

/** Starts and ends transfers for an operator. */
export class TransferDesk {
  readonly #options: TransferDeskOptions;

  constructor(options: TransferDeskOptions) {
    this.#options = options;
  }

  /**
   * One transfer for each number and replica, in the order of the snapshots. One that is under way already is
   * not started twice. One that failed before is cancelled, so that nothing of it is left on the replica.
   * @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `ReplicaNotFound`, `InvalidArgument`; then none is
   *   started
   */
  async send(request: SendRequest, cause: EventCause): Promise<TransferReport[]> {
    const { runtime, storage, repository, reports } = this.#options;
    const settings = repository.settings(request.image);
    const replicas = this.#options.resolveReplicas(request.to);
    const asked = new Set(request.numbers);
    if (asked.size * replicas.length > transfers_max) {
      throw new IcbdError('InvalidArgument', `one send starts at most ${transfers_max} transfers`, {
        operation: 'send',
        subject: request.image,
      });
    }
    const numbers = await this.#inOrder(request.image, asked);

    const wanted = numbers.flatMap((number) => replicas.map((replica) => ({ number, replica })));
    const ids: string[] = [];
    const transfers: TransferInput[] = [];
    for (const { number, replica } of wanted) {
      const running = this.#underWay(request.image, number, replica);
      const id = running ?? this.#nextId();
      ids.push(id);
      if (running !== undefined) continue;
      const codec = request.codec ?? settings.codec;
      const { failures_max } = this.#options;
      const ssh = request.ssh ?? false;
      transfers.push({ id, image: request.image, number, replica, codec, ssh, failures_max });
    }
    if (transfers.length > 0) {
      runtime.deliver({ kind: 'image', id: request.image }, { type: 'image.send', transfers }, cause);
    }
    for (const { image, number, replica } of transfers) {
      for (const superseded of this.#failed(image, number, replica)) {
        runtime.deliver(superseded, { type: 'cancel' }, cause);
      }
    }
    return ids.flatMap((id) => {
      const record = storage.actors.load({ kind: 'transfer', id });
      return record === undefined ? [] : [reports.report(record)];
    });
  }

  /** @throws IcbdError `TransferNotFound`, `NotAllowedNow` */
  cancel(id: string, cause: EventCause): TransferReport {
    const { runtime, reports } = this.#options;
    const record = reports.require(id);
    if (record.state === 'completed' || record.status === 'parked') {
      const state = record.status === 'parked' ? 'parked' : record.state;
      throw new IcbdError('NotAllowedNow', `the transfer ${record.id} is ${state}: it cannot be cancelled`, {
        operation: 'cancel',
        subject: record.id,
        hint: record.status === 'parked' ? record.parked_reason : '',
      });
    }
    runtime.deliver(record, { type: 'cancel' }, cause);
    return reports.report(reports.require(record.id));
  }

  /** The order in which they follow one another, which for names that are no numbers only the disk tells. */
  async #inOrder(image: string, asked: ReadonlySet<string>): Promise<string[]> {
    const { repository } = this.#options;
    const there = (await repository.snapshots(image)).map(({ number }) => number);
    const missing = [...asked].filter((number) => !there.includes(number));
    for (const number of missing) await repository.snapshot(image, number);
    // Who is missing and found is just made.
    return [...there.filter((number) => asked.has(number)), ...missing];
  }

  #underWay(image: string, snapshot: string, replica: string): string | undefined {
    const filter = { kind: 'transfer', settled: false, limit: 1, image, snapshot, replica } as const;
    return this.#options.storage.actors.list(filter)[0]?.id;
  }

  #failed(image: string, snapshot: string, replica: string): ActorRecord[] {
    const filter = { kind: 'transfer', states: ['failed'], limit: 1_000, image, snapshot, replica } as const;
    return this.#options.storage.actors.list(filter);
  }

  /** `<count>-<4 hex digits of the database>`: short to type, and no two databases give the same. */
  #nextId(): string {
    const { storage, instance } = this.#options;
    return storage.transaction(() => {
      const count = Number(storage.node.meta('transfer_count') ?? '0') + 1;
      storage.node.setMeta('transfer_count', String(count));
      return `${count}-${instance.slice(0, 4)}`;
    });
  }
}
