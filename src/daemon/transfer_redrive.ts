import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TransferContext } from '../actors/transfer_events.js';
import { judgeVerb } from '../actors/verbs.js';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord, EventCause } from '../core/records.js';
import type { BulkRedriveRequest, RedriveReport } from '../core/verbs.js';
import type { Storage } from '../storage/storage.js';
import type { TransferDesk } from './transfer_desk.js';

/** States in which a transfer waits for an operator to run it again. */
const redrivable_states = ['failed', 'cancelled', 'parked'];

const default_per_minute = 60;

/** One request redrives at most so many. */
const redriven_max = 100_000;

/** After so many, others get a turn: each is a commit. */
const heat = 50;

export interface BulkRedriveOptions {
  readonly storage: Storage;
  readonly desk: Pick<TransferDesk, 'redrive'>;
  readonly clock: Clock;
}

/**
 * Runs many transfers again, spread evenly over time: each waits by a timer of its own, which a restart of the master
 * does not touch. The oldest begins first, so that increments follow one another.
 * @param request `replica` is the name of one
 * @throws IcbdError `InvalidArgument`
 */
export async function redriveAll(
  options: BulkRedriveOptions,
  request: BulkRedriveRequest,
  cause: EventCause,
): Promise<RedriveReport[]> {
  const { clock } = options;
  const interval_ms = 60_000 / (request.per_minute ?? default_per_minute);
  const now_ms = clock.now();
  const reports: RedriveReport[] = [];
  let accepted = 0;
  for (const [index, record] of candidates(options.storage, request).entries()) {
    if (index % heat === heat - 1) await nextTurn();
    const due_ms = now_ms + Math.round(accepted * interval_ms);
    const report = redriveOne(options, request, record, due_ms, cause);
    reports.push(report);
    if (report.result !== 'refused') accepted += 1;
  }
  return reports;
}

function candidates(storage: Storage, { states = ['failed'], ...filter }: BulkRedriveRequest): ActorRecord[] {
  const other = states.find((state) => !redrivable_states.includes(state));
  if (other !== undefined) {
    throw new IcbdError('InvalidArgument', `what is ${other} is not redriven`, {
      operation: 'redrive',
      subject: other,
      hint: `only what is ${redrivable_states.join(', ')}`,
    });
  }
  const { image, replica, since_ms } = filter;
  const chosen = storage.actors.list({
    kind: 'transfer',
    states,
    ...(image === undefined ? {} : { image }),
    ...(replica === undefined ? {} : { replica }),
    direction: 'up',
    limit: redriven_max,
  });
  return since_ms === undefined ? chosen : chosen.filter((record) => enteredAt(storage, record) >= since_ms);
}

/** When it came into its state, unix ms; events that changed nothing do not count. */
function enteredAt({ history }: Storage, record: ActorRecord): number {
  if (record.status === 'parked') return record.updated_at_ms;
  return history.events(record, { changes: true, limit: 1 })[0]?.at_ms ?? record.updated_at_ms;
}

function redriveOne(
  { desk, clock }: BulkRedriveOptions,
  { from_start = false, dry_run }: BulkRedriveRequest,
  record: ActorRecord,
  starts_at_ms: number,
  cause: EventCause,
): RedriveReport {
  const { image = '', snapshot: number = '', replica = '' } = record.labels;
  const state = record.status === 'parked' ? 'parked' : record.state;
  const about = { transfer: record.id, image, number, replica, state, starts_at_ms };
  const judgement = judgeVerb(record, { type: 'redrive', from_start });
  if (judgement.verdict === 'refused') return { ...about, result: 'refused', reason: judgement.reason };
  const reason = from_start ? 'from its start, as asked for' : whereFrom(record);
  if (dry_run === true) return { ...about, result: 'would be redriven', reason };
  try {
    const after_ms = Math.max(starts_at_ms - clock.now(), 0);
    desk.redrive(record.id, { ...(from_start ? { from_start } : {}), after_ms }, cause);
    return { ...about, result: 'redriven', reason };
  } catch (thrown) {
    const error = IcbdError.from(thrown, 'redrive', record.id);
    if (error.code === 'Internal') throw error;
    return { ...about, result: 'refused', reason: error.message };
  }
}

function whereFrom({ state, snapshot }: ActorRecord): string {
  const context = snapshot.context as Partial<TransferContext> | null;
  if (state === 'cancelled') return 'from its start: the replica kept nothing of it';
  if (context?.offered !== true) return 'from its start: the replica was never told of it';
  return 'from its last checkpoint, if there is one';
}
