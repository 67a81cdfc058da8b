import type { ReceptionContext } from '../actors/reception_events.js';
import { machines } from '../actors/machines.js';
import type { TransferContext } from '../actors/transfer_events.js';
import { verbsOf } from '../actors/verbs.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord } from '../core/records.js';
import type {
  HistoryFilter,
  HistoryReport,
  ProgressReport,
  TimerReport,
  TransferFilter,
  TransferReport,
} from '../core/report.js';
import type { Storage } from '../storage/storage.js';
import { actorHistory } from './actor_history.js';
import { type ProgressBoard, progressReport } from './progress_board.js';
import { meaningOfTimer } from './timer_words.js';

/** States in which the bytes of a transfer move. */
const moving_states = new Set(['sending', 'receiving']);

/** States in which nothing of what the replica received is of interest any more: it has all of it, or nothing. */
const done_states = new Set(['completed', 'cancelled', 'refused']);

/** Transfers that one list tells at most, and unless another number is asked for. */
const listed_max = 1_000;

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

  /** At most a thousand. */
  list({ number, limit = listed_max, ...filter }: TransferFilter): TransferReport[] {
    const wanted = { ...filter, ...(number === undefined ? {} : { snapshot: number }) };
    const bounds = { kind: this.#kind, limit: Math.min(limit, listed_max) };
    const records = this.#storage.actors.list({ ...wanted, ...bounds });
    // What is settled waits for nothing, and is most of a list.
    return records.map((record) => (record.settled ? this.#report(record, [], null) : this.report(record)));
  }

  /** How many fit the filter in each state, whatever its limit. */
  count({ number, ...filter }: TransferFilter): Record<string, number> {
    const wanted = { ...filter, ...(number === undefined ? {} : { snapshot: number }) };
    return this.#storage.actors.count({ ...wanted, kind: this.#kind });
  }

  /** @throws IcbdError `TransferNotFound` */
  history(id: string, filter: HistoryFilter = {}): HistoryReport {
    const record = this.require(id);
    return { transfer: this.report(record), ...actorHistory(this.#storage, record, filter) };
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
    const timers = this.#storage.timers.ofActor(record).map(({ id: timer, due_at_ms }) => ({
      timer,
      meaning: meaningOfTimer(record.kind, timer),
      due_at_ms,
    }));
    const { attempt } = record.snapshot.context as TransferContext | ReceptionContext;
    const began_at_ms = attempt === 0 ? undefined : this.#storage.history.attemptBegan(record, attempt);
    return this.#report(record, timers, began_at_ms ?? null);
  }

  #report(record: ActorRecord, timers: readonly TimerReport[], attempt_at_ms: number | null): TransferReport {
    const own =
      record.kind === 'transfer'
        ? this.#ofTransfer(record.snapshot.context as TransferContext)
        : this.#ofReception(record.snapshot.context as ReceptionContext);
    const { moving, last } = this.#progressOf(record);
    const seen = moving ?? last;
    const is_done = done_states.has(record.state);
    // Written out: spreading a thousand objects of this size takes longer than reading them from the database.
    return {
      id: record.id,
      image: own.image,
      number: own.number,
      master: own.master,
      replica: own.replica,
      state: record.status === 'parked' ? 'parked' : record.state,
      state_description: describe(record),
      settled: record.settled,
      parked_reason: record.parked_reason,
      attempt: own.attempt,
      attempt_at_ms,
      failures: own.failures,
      parent: own.parent,
      plan_reason: own.plan_reason,
      codec: own.codec,
      stream_version: own.stream_version,
      ssh: own.ssh,
      already_there: own.already_there,
      stream_bytes: own.stream_bytes,
      hash: own.hash,
      resumed_bytes: own.resumed_bytes,
      link_losses: own.link_losses,
      checkpoint_bytes: is_done ? null : (seen?.checkpoint_bytes ?? own.checkpoint_bytes),
      checkpoint_at_ms: is_done ? null : (seen?.checkpoint_at_ms ?? null),
      last_error: own.last_error,
      progress: moving,
      last_progress: last,
      next_at_ms: timers[0]?.due_at_ms ?? null,
      timers,
      verbs: record.kind === 'transfer' ? verbsOf(record) : [],
      forked_from: own.forked_from,
      created_at_ms: record.created_at_ms,
      updated_at_ms: record.updated_at_ms,
    };
  }

  /** Where it stands while it moves, else where it stood last. */
  #progressOf(record: ActorRecord): { moving: ProgressReport | null; last: ProgressReport | null } {
    const now = moving_states.has(record.state) ? this.#progress.current(record) : null;
    if (now !== null) return { moving: progressReport(now), last: null };
    const context = record.snapshot.context as { from_zero?: boolean };
    if (done_states.has(record.state) || context.from_zero === true) return { moving: null, last: null };
    const saved = this.#storage.node.progress(record);
    return { moving: null, last: saved === undefined ? null : { ...progressReport(saved), eta_s: null } };
  }

  #ofTransfer(context: TransferContext) {
    const { image, number, replica, attempt, failures, plan, outcome, last_error } = context;
    return {
      image,
      number,
      master: this.#node,
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
      // One that an older release ended knows of no fork.
      forked_from: context.forked_from ?? null,
      // What it heard when the bytes began to flow.
      checkpoint_bytes: context.resumed_bytes > 0 ? context.resumed_bytes : null,
      last_error,
    };
  }

  #ofReception(context: ReceptionContext) {
    const { image, number, master, attempt, parent, codec, outcome, error } = context;
    return {
      image,
      number,
      master,
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
      forked_from: null,
    };
  }
}
