import type { ReceptionContext } from '../actors/reception_events.js';
import { machines } from '../actors/machines.js';
import type { TransferContext } from '../actors/transfer_events.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord } from '../core/records.js';
import type { HistoryReport, TransferFilter, TransferReport } from '../core/report.js';
import type { Storage } from '../storage/storage.js';
import { type ProgressBoard, progressReport } from './progress_board.js';

/** States in which the bytes of a transfer move. */
const moving_states = new Set(['sending', 'receiving']);

function describe(record: ActorRecord): string {
  if (record.status === 'parked') return `parked: ${record.parked_reason}`;
  const states = machines[record.kind].machine.states as Record<string, { description?: string }>;
  return states[record.state]?.description ?? record.state;
}

/** Shows the transfers of a master, or the receptions of a replica, which are the same jobs seen from there. */
export class TransferReports {
  readonly #storage: Storage;
  readonly #progress: ProgressBoard;
  readonly #kind: 'transfer' | 'reception';
  readonly #node: string;

  /** @param node name of this node */
  constructor(storage: Storage, progress: ProgressBoard, kind: 'transfer' | 'reception', node: string) {
    this.#storage = storage;
    this.#progress = progress;
    this.#kind = kind;
    this.#node = node;
  }

  list(filter: TransferFilter): TransferReport[] {
    const records = this.#storage.actors.list({ ...filter, kind: this.#kind });
    return records.map((record) => this.report(record));
  }

  history(id: string): HistoryReport {
    const record = this.require(id);
    const events = this.#storage.history.events(record);
    return {
      transfer: this.report(record),
      omitted: 0,
      events,
      effects: this.#storage.history.effects(record),
    };
  }

  /**
   * @param id a whole id such as `17-3fa9`, or its number alone
   * @throws IcbdError `TransferNotFound`
   */
  require(id: string): ActorRecord {
    const exact = this.#storage.actors.load({ kind: this.#kind, id });
    if (exact !== undefined) return exact;
    const [found] = this.#storage.actors.list({ kind: this.#kind, id_prefix: `${id}-`, limit: 1 });
    if (found !== undefined && id !== '') return found;
    throw new IcbdError('TransferNotFound', `there is no transfer ${id}`, {
      operation: 'find transfer',
      subject: id,
      hint: 'icbdrep transfers',
    });
  }

  report(record: ActorRecord): TransferReport {
    const own =
      record.kind === 'transfer'
        ? this.#ofTransfer(record.snapshot.context as TransferContext)
        : this.#ofReception(record.snapshot.context as ReceptionContext);
    const timers = this.#storage.timers
      .ofActor(record)
      .map(({ id: timer, due_at_ms }) => ({ timer, meaning: timer, due_at_ms }));
    const progress = moving_states.has(record.state) ? this.#progress.current(record) : null;
    return {
      ...own,
      id: record.id,
      state: record.status === 'parked' ? 'parked' : record.state,
      state_description: describe(record),
      settled: record.settled,
      parked_reason: record.parked_reason,
      progress: progress === null ? null : progressReport(progress),
      next_at_ms: timers[0]?.due_at_ms ?? null,
      timers,
      verbs: [],
      forked_from: null,
      created_at_ms: record.created_at_ms,
      updated_at_ms: record.updated_at_ms,
    };
  }

  #ofTransfer(context: TransferContext) {
    const { image, number, replica, attempt, failures, plan, outcome, last_error } = context;
    return {
      image,
      number,
      replica,
      attempt,
      failures,
      parent: plan?.parent?.number ?? null,
      plan_reason: plan?.reason ?? '',
      codec: plan?.codec ?? context.codec,
      stream_version: plan?.stream_version ?? null,
      ssh: context.ssh,
      already_there: outcome?.already_there ?? false,
      stream_bytes: outcome?.stream_bytes ?? null,
      hash: outcome?.hash ?? '',
      resumed_bytes: context.resumed_bytes,
      link_losses: context.link_losses,
      checkpoint_bytes: null,
      last_error,
    };
  }

  #ofReception(context: ReceptionContext) {
    const { image, number, attempt, parent, codec, outcome, error } = context;
    return {
      image,
      number,
      replica: this.#node,
      attempt,
      failures: 0,
      parent: parent?.number ?? null,
      plan_reason: '',
      codec,
      stream_version: null,
      ssh: context.ssh,
      already_there: outcome?.already_there ?? false,
      stream_bytes: outcome?.stream_bytes ?? null,
      hash: outcome?.hash ?? '',
      resumed_bytes: context.begun_bytes,
      link_losses: context.losses,
      checkpoint_bytes: context.checkpoint?.offset_bytes ?? 0,
      last_error: error,
    };
  }
}
