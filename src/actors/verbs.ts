/** Whether an operator's verb does something with a transfer now, and why not: read from the machine itself. */
import type { AnyStateMachine } from 'xstate';
import type { ActorRecord } from '../core/records.js';
import { type Verb, type VerbReport, verb_names } from '../core/verbs.js';
import { transferMachine } from './transfer.js';
import type { Refusal } from './transfer_verbs.js';

/** `takes`: it does something. `has`: there is nothing to do, it has its effect already. */
export interface Judgement {
  readonly verdict: 'takes' | 'has' | 'refused';
  /** Empty if it does something. */
  readonly reason: string;
  /** What the operator can do instead; empty if it is not refused, or nothing is known. */
  readonly hint: string;
}

/** An event of a machine that an operator makes. */
export interface VerbEvent {
  readonly type: Exclude<Verb, 'fork'>;
  readonly [field: string]: unknown;
}

type Judged = Pick<ActorRecord, 'status' | 'parked_reason' | 'snapshot' | 'state'>;

const takes: Judgement = { verdict: 'takes', reason: '', hint: '' };

/** These let a parked transfer go on; the others need one that takes events. */
const waking = new Set<string>(['redrive', 'retry-now', 'cancel']);

function judgeParked({ parked_reason, state }: Judged, { type }: VerbEvent): Judgement {
  if (waking.has(type) && state !== 'completed') return takes;
  const reason = `it is parked: ${parked_reason}`;
  return { verdict: 'refused', reason, hint: 'redrive it, cancel it, or: icbdrep actor unpark transfer ID' };
}

type Resolved = ReturnType<AnyStateMachine['resolveState']>;

const machine: AnyStateMachine = transferMachine;

function resolve({ snapshot: { value, context } }: Judged): Resolved {
  return machine.resolveState({ value: value as never, context });
}

function judge(snapshot: Resolved, event: VerbEvent): Judgement {
  const [chosen] = machine.getTransitionData(snapshot, event);
  if (chosen === undefined) {
    return {
      verdict: 'refused',
      reason: `the state ${String(snapshot.value)} takes no ${event.type}`,
      hint: '',
    };
  }
  if (chosen.target !== undefined || chosen.actions.length > 0) return takes;
  const refusal = chosen.meta as Refusal | undefined;
  const verdict = refusal?.is_refused === true ? 'refused' : 'has';
  return { verdict, reason: chosen.description ?? '', hint: refusal?.hint ?? '' };
}

/** What `event` would do to a transfer. Changes nothing. */
export function judgeVerb(record: Judged, event: VerbEvent): Judgement {
  return record.status === 'parked' ? judgeParked(record, event) : judge(resolve(record), event);
}

/** Of each verb whether it does something now. Forking makes another transfer and is always possible. */
export function verbsOf(record: Judged): VerbReport[] {
  const snapshot = record.status === 'parked' ? undefined : resolve(record);
  const own = verb_names.map((verb): VerbReport => {
    const event = { type: verb } as const;
    const { verdict, reason } = snapshot === undefined ? judgeParked(record, event) : judge(snapshot, event);
    return { verb, is_allowed: verdict === 'takes', reason };
  });
  return [...own, { verb: 'fork', is_allowed: true, reason: '' }];
}
