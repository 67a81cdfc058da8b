import { machines } from '../actors/machines.js';
import type { AttemptPlan, TransferContext, TransferInput } from '../actors/transfer_events.js';
import { IcbdError } from '../core/errors.js';
import type { ActorRecord, EventRecord } from '../core/records.js';
import type { ForkOrigin } from '../core/report.js';
import type { ForkRequest } from '../core/verbs.js';
import { created_event, fold } from '../runtime/fold.js';

/** What a fork is made with; it still gets its id. */
export interface ForkedInput extends Omit<TransferInput, 'id'> {
  readonly forked_from: ForkOrigin;
}

type Known = { readonly [K in keyof TransferContext]?: TransferContext[K] | undefined };

const invalid = (message: string, id: string, hint: string): IcbdError =>
  new IcbdError('InvalidArgument', message, { operation: 'fork', subject: id, hint });

/** The events up to the chosen one, which is the last by default. @throws IcbdError `InvalidArgument` */
function eventsUpTo({ id }: ActorRecord, events: readonly EventRecord[], at_seq: number | undefined) {
  const [first, last] = [events[0]?.seq ?? 1, events.at(-1)?.seq ?? 1];
  const seq = at_seq ?? last;
  if (seq < first || seq > last) {
    const hint = `its history goes from event ${first} to ${last}: icbdrep transfer history ${id}`;
    throw invalid(`the transfer ${id} has no event ${seq}`, id, hint);
  }
  return { seq, past: events.filter((event) => event.seq <= seq) };
}

/** What the transfer knew then; of one that cannot be told any more, what it was made with. */
function knownAfter({ labels }: ActorRecord, past: readonly EventRecord[]): Known {
  try {
    return fold(machines.transfer, past).context as Known;
  } catch {
    const made = past.find(({ event }) => event.type === created_event)?.event['input'] as Known | undefined;
    const { image, snapshot: number, replica } = labels;
    return made ?? { image, number, replica };
  }
}

/** While the next attempt is planned there is no plan: then the last one counts. */
function planAfter(known: Known, past: readonly EventRecord[]): AttemptPlan | undefined {
  const planned = past.findLast(({ event, handled }) => event.type === 'plan.done' && handled);
  return known.plan ?? (planned?.event['result'] as AttemptPlan | undefined);
}

/**
 * How a transfer is made that goes on from what `old` had decided after one of its events. Pure.
 * @param events all that are known of it
 * @param request `to` is the name of a replica
 * @throws IcbdError `InvalidArgument`
 */
export function forkedInput(
  old: ActorRecord,
  events: readonly EventRecord[],
  request: ForkRequest,
  defaults: { readonly failures_max: number },
): ForkedInput {
  const { seq, past } = eventsUpTo(old, events, request.at_seq);
  const known = knownAfter(old, past);
  const { image = '', number = '', replica: old_replica = '' } = known;
  const replica = request.to ?? old_replica;
  const plan = planAfter(known, past);
  if (request.parent === number) {
    throw invalid('a snapshot cannot be its own parent', old.id, 'name another one, none or auto');
  }
  // What both sides hold is another matter at another replica.
  const is_pinned = plan !== undefined && replica === old_replica;
  const planned_parent = is_pinned ? (plan.parent?.number ?? 'none') : 'auto';
  return {
    image,
    number,
    replica,
    codec: request.codec ?? plan?.codec ?? known.codec ?? null,
    ssh: request.ssh ?? known.ssh ?? false,
    failures_max: known.failures_max ?? defaults.failures_max,
    parent: request.parent ?? planned_parent,
    stream_version: is_pinned ? plan.stream_version : null,
    forked_from: { transfer: old.id, seq },
  };
}
