/** Events of a history with what an older release did not write down, and which of them somebody asks for. */
import type { EffectRecord, EventRecord } from '../../core/records.js';

export interface Step {
  readonly record: EventRecord;
  readonly state_before: string;
  /** The attempt that it belongs to; 0: none has begun, or the actor has none. */
  readonly attempt: number;
}

/** Each attempt begins with one of these. */
const planning_states = new Set(['planning', 'starting_over']);

/**
 * Each event with the state before it and its attempt. Releases that did not write attempts down began one with each
 * planning, and with each offer of the master.
 */
export function toSteps(events: readonly EventRecord[]): Step[] {
  let before = '';
  let counted = 0;
  return events.map((record) => {
    const state_before = record.state_before === '' ? before : record.state_before;
    const { attempt: offered } = record.event;
    const is_offered =
      record.handled && record.event.type === 'transfer.offer' && typeof offered === 'number';
    if (record.attempt > 0) counted = record.attempt;
    else if (planning_states.has(record.state) && state_before !== record.state) counted += 1;
    else if (is_offered && offered > counted) counted = offered;
    before = record.state;
    return { record, state_before, attempt: counted };
  });
}

/** Which events of a history to show. */
export interface EventChoice {
  readonly attempt?: number | undefined;
  /** Only those that led to another state. */
  readonly changes?: boolean | undefined;
  /** Only those that tell of something that went wrong. */
  readonly errors?: boolean | undefined;
  /** At most so many, the newest. */
  readonly limit?: number | undefined;
}

/** States that nobody wants to be in. */
const bad_states = new Set([
  'failed',
  'resting',
  'disconnected',
  'offline',
  'suspect',
  'missing',
  'refused',
  'unclean',
]);

function isTrouble({ record, state_before }: Step, effects: readonly EffectRecord[]): boolean {
  if (typeof record.event['error'] === 'object' && record.event['error'] !== null) return true;
  if (record.handled && state_before !== record.state && bad_states.has(record.state)) return true;
  return effects.some(({ seq, status }) => seq === record.seq && (status === 'failed' || status === 'lost'));
}

function isChange({ record, state_before }: Step): boolean {
  return record.handled && (state_before !== record.state || record.event.type === 'link.up');
}

/** Sequence numbers of the events that are wanted, and how many others fit but are older than the limit. */
export function chooseEvents(
  { events, effects }: { readonly events: readonly EventRecord[]; readonly effects: readonly EffectRecord[] },
  { attempt, changes, errors, limit }: EventChoice,
): { readonly shown: ReadonlySet<number>; readonly omitted: number } {
  const fitting = toSteps(events).filter(
    (step) =>
      (attempt === undefined || step.attempt === attempt) &&
      (changes !== true || isChange(step)) &&
      (errors !== true || isTrouble(step, effects)),
  );
  const kept = limit === undefined ? fitting : fitting.slice(-limit);
  return { shown: new Set(kept.map(({ record }) => record.seq)), omitted: fitting.length - kept.length };
}
