import type { RedriveFields, TransferInput } from '../actors/transfer_events.js';
import { type Judgement, type VerbEvent, judgeVerb } from '../actors/verbs.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord, EventCause } from '../core/records.js';
import type { SendRequest, TransferReport } from '../core/report.js';
import type { ForkRequest } from '../core/verbs.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Storage } from '../storage/storage.js';
import type { ImageRepository } from './images/image_repository.js';
import { forkedInput } from './transfer_fork.js';
import type { TransferReports } from './transfer_reports.js';

/** Transfers that one request may start. */
const transfers_max = 10_000;

/** A parked transfer that goes on stays in these, and then still has to be told what the operator wants. */
const lasting_states = new Set(['paused', 'failed', 'cancelled', 'completed']);

export interface TransferDeskOptions {
  readonly runtime: Runtime;
  readonly storage: Storage;
  readonly repository: Pick<ImageRepository, 'settings' | 'snapshot' | 'snapshots'>;
  readonly reports: Pick<TransferReports, 'report' | 'require'>;
  /** Names of the replicas that `to` means. @throws IcbdError `ReplicaNotFound` */
  readonly resolveReplicas: (to: readonly string[]) => string[];
  /** Names this node's state database. */
  readonly instance: string;
  readonly failures_max: number;
}

/** What an operator asks of transfers. Every verb is an event of its transfer, a refused one as well. */
export class TransferDesk {
  readonly #options: TransferDeskOptions;

  constructor(options: TransferDeskOptions) {
    this.#options = options;
  }

  /**
   * One transfer for each number and replica, in the order of the snapshots. One that is under way already is
   * not started twice. One that failed before is redriven, from what the replica has of it; of several the newest.
   * @throws IcbdError `ImageNotFound`, `SnapshotNotFound`, `ReplicaNotFound`, `InvalidArgument`; then none is
   *   started
   */
  async send(request: SendRequest, cause: EventCause): Promise<TransferReport[]> {
    const { storage, repository, reports, failures_max } = this.#options;
    const { image, codec, ssh } = request;
    const settings = repository.settings(image);
    const replicas = this.#options.resolveReplicas(request.to);
    const asked = new Set(request.numbers);
    if (asked.size * replicas.length > transfers_max) {
      throw new IcbdError('InvalidArgument', `one send starts at most ${transfers_max} transfers`, {
        operation: 'send',
        subject: image,
      });
    }
    const numbers = await this.#inOrder(image, asked);

    const ids: string[] = [];
    // They ask for their turns in the order of the snapshots, the new ones and the old.
    let made: TransferInput[] = [];
    const make = (): void => {
      this.#make(image, made, cause);
      made = [];
    };
    for (const { number, replica } of numbers.flatMap((n) =>
      replicas.map((r) => ({ number: n, replica: r })),
    )) {
      const known = this.#known(image, number, replica);
      const id = known?.id ?? this.#nextId();
      ids.push(id);
      if (known === undefined) {
        const plan = { parent: 'auto', stream_version: null, forked_from: null };
        const how = { codec: codec ?? settings.codec, ssh: ssh ?? false, failures_max };
        made.push({ id, image, number, replica, ...how, ...plan });
      } else if (known.settled && known.status === 'running') {
        make();
        this.redrive(
          id,
          { ...(codec === undefined ? {} : { codec }), ...(ssh === undefined ? {} : { ssh }) },
          cause,
        );
      }
    }
    make();
    return ids.flatMap((id) => {
      const record = storage.actors.load({ kind: 'transfer', id });
      return record === undefined ? [] : [reports.report(record)];
    });
  }

  /**
   * What has its effect already changes nothing.
   * @throws IcbdError `TransferNotFound`, `NotAllowedNow`, `ActorParked`
   */
  act(id: string, verb: 'pause' | 'resume' | 'retry-now' | 'cancel', cause: EventCause): TransferReport {
    return this.#do(this.#options.reports.require(id), { type: verb }, cause);
  }

  /**
   * Runs a transfer that failed, was cancelled or is parked again: the same one, from its last checkpoint.
   * @throws IcbdError `TransferNotFound`, `NotAllowedNow`, `ActorParked`
   */
  redrive(id: string, fields: RedriveFields, cause: EventCause): TransferReport {
    return this.#do(this.#options.reports.require(id), { ...fields, type: 'redrive' }, cause);
  }

  /**
   * A new transfer from what an old one had decided after one of its events. The old one stays as it is.
   * @throws IcbdError `TransferNotFound`, `InvalidArgument`, `ReplicaNotFound`, `ImageNotFound`, `SnapshotNotFound`
   */
  async fork(id: string, request: ForkRequest, cause: EventCause): Promise<TransferReport> {
    const { runtime, storage, repository, reports } = this.#options;
    const old = reports.require(id);
    const [replica] = request.to === undefined ? [] : this.#options.resolveReplicas([request.to]);
    const defaults = { failures_max: this.#options.failures_max };
    const input = forkedInput(old, storage.history.events(old), { ...request, to: replica }, defaults);
    repository.settings(input.image);
    await repository.snapshot(input.image, input.number);
    const forked_id = this.#nextId();
    this.#make(input.image, [{ ...input, id: forked_id }], cause);
    const made = storage.actors.load({ kind: 'transfer', id: forked_id });
    if (made === undefined) {
      throw new IcbdError('NotAllowedNow', `the image ${input.image} cannot be sent now`, {
        operation: 'fork',
        subject: input.image,
        hint: `icbdrep image show ${input.image}`,
      });
    }
    runtime.deliver(old, { type: 'fork', transfer: forked_id, at_seq: input.forked_from.seq }, cause);
    return reports.report(made);
  }

  #do(record: ActorRecord, event: VerbEvent, cause: EventCause): TransferReport {
    const { runtime, reports } = this.#options;
    const judgement = judgeVerb(record, event);
    if (record.status === 'parked' && judgement.verdict === 'takes') return this.#wake(record, event, cause);
    runtime.deliver(record, event, cause);
    if (judgement.verdict === 'refused') throw refusal(record, event, judgement);
    return reports.report(this.#running(record));
  }

  #wake(parked: ActorRecord, event: VerbEvent, cause: EventCause): TransferReport {
    const { runtime, reports } = this.#options;
    const { type, ...fields } = event;
    runtime.unpark(parked, cause, fields);
    const record = this.#running(parked);
    if (type === 'cancel' || lasting_states.has(record.state)) return this.#do(record, event, cause);
    return reports.report(record);
  }

  /** @throws IcbdError `ActorParked` */
  #running({ id }: ActorRecord): ActorRecord {
    const record = this.#options.reports.require(id);
    if (record.status === 'running') return record;
    throw new IcbdError('ActorParked', `the transfer ${id} is parked: ${record.parked_reason}`, {
      operation: 'transfer',
      subject: id,
      hint: `icbdrep transfer fork ${id} makes a new one of it`,
    });
  }

  #make(image: string, transfers: readonly TransferInput[], cause: EventCause): void {
    if (transfers.length === 0) return;
    this.#options.runtime.deliver({ kind: 'image', id: image }, { type: 'image.send', transfers }, cause);
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

  /** The one under way, or else the newest that failed. */
  #known(image: string, snapshot: string, replica: string): ActorRecord | undefined {
    const { actors } = this.#options.storage;
    const filter = { kind: 'transfer', limit: 1, image, snapshot, replica } as const;
    return actors.list({ ...filter, settled: false })[0] ?? actors.list({ ...filter, states: ['failed'] })[0];
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

const verb_words: Readonly<Record<VerbEvent['type'], string>> = {
  pause: 'paused',
  resume: 'resumed',
  'retry-now': 'tried again now',
  cancel: 'cancelled',
  redrive: 'redriven',
};

function refusal({ id }: ActorRecord, event: VerbEvent, { reason, hint }: Judgement): IcbdError {
  const message = `the transfer ${id} cannot be ${verb_words[event.type]}: ${reason}`;
  return new IcbdError('NotAllowedNow', message, { operation: event.type, subject: id, hint });
}
