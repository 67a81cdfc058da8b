/** Events of a history in words. What a newer daemon tells is shown as it is. */
import type { EffectRecord, EventCause, EventRecord, IntentRecord } from '../../core/records.js';
import { formatBytes, formatDuration } from './units.js';

type EffectKinds = ReadonlyMap<string, string>;

/** Why an event happened. */
export function describeCause(cause: EventCause, effects: EffectKinds): string {
  switch (cause.kind) {
    case 'operator':
      return `operator ${cause.who}`;
    case 'peer':
      return `${cause.node}, message ${cause.message}`;
    case 'timer':
      return 'timer';
    case 'effect':
      return `effect ${effects.get(cause.effect) ?? cause.effect}`;
    case 'actor':
      return `${cause.actor}, event ${cause.seq}`;
    case 'daemon':
      return cause.what;
    default:
      return JSON.stringify(cause);
  }
}

export function kindsOf(effects: readonly EffectRecord[]): EffectKinds {
  return new Map(effects.map(({ id, kind }) => [id, kind]));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Where bytes go on, or how many there are. */
function describeBytes({ event }: EventRecord): string {
  const { offset_bytes, is_live, resume_bytes, checkpoint } = event;
  if (typeof offset_bytes === 'number') {
    const live = is_live === true ? ', and btrfs send still ran' : '';
    return offset_bytes === 0
      ? `from the beginning${live}`
      : `goes on at ${formatBytes(offset_bytes)}${live}`;
  }
  if (typeof resume_bytes === 'number') {
    return resume_bytes === 0 ? 'it has nothing yet' : `it has ${formatBytes(resume_bytes)}`;
  }
  if (isObject(checkpoint) && 'offset_bytes' in checkpoint) {
    return `${formatBytes(Number(checkpoint['offset_bytes']))} are on disk`;
  }
  return '';
}

/** What came of it: a plan, or a stream that is whole. */
function describeResult({ event }: EventRecord): string {
  const result = event['result'] ?? event['outcome'];
  if (!isObject(result)) return '';
  const { already_there, stream_bytes, reason, parent } = result;
  if (already_there === true) return 'it was there already';
  if (typeof stream_bytes === 'number') return formatBytes(stream_bytes);
  if (typeof reason !== 'string') return '';
  const base = isObject(parent) ? `parent ${String(parent['number'])}` : 'no parent';
  return reason === '' ? base : `${base}: ${reason}`;
}

/** What an event carries that says more than its type: an error, a reason, a place, a result. */
export function describeEvent(record: EventRecord): string {
  const { error, reason, round_trip_ms, transfer, number } = record.event;
  if (isObject(error) && 'message' in error) {
    const code = 'code' in error ? ` [${String(error['code'])}]` : '';
    return `${String(error['message'])}${code}`;
  }
  if (typeof reason === 'string' && reason !== '') return reason;
  if (typeof round_trip_ms === 'number') return `answered after ${formatDuration(round_trip_ms)}`;
  if (typeof transfer === 'string') return `transfer ${transfer}`;
  if (typeof number === 'string' && number !== '') return `snapshot ${number}`;
  return describeBytes(record) || describeResult(record);
}

/** xstate names a timer's event `xstate.after.NAME.machine.state`. */
const timerName = (id: string): string =>
  (/^xstate\.after\.([^.]+)\./.exec(id)?.[1] ?? id).replaceAll('_', ' ');

export function eventName(type: string): string {
  return type.startsWith('xstate.after.') ? `${timerName(type)} is over` : type;
}

/** What the machine asked for; its effects are told as spans. */
function describeIntent(intent: IntentRecord, at_ms: number): string {
  switch (intent.type) {
    case 'message':
      return `message ${intent.message} to ${intent.peer}: ${intent.event}`;
    case 'tell':
      return `tells ${intent.to}: ${intent.event}`;
    case 'spawn':
      return `makes ${intent.actor}`;
    case 'timer':
      return `timer: ${timerName(intent.timer)} in ${formatDuration(intent.due_at_ms - at_ms)}`;
    case 'effect':
    case 'stop':
    case 'cancel_timer':
    default:
      return '';
  }
}

/** Messages, timers and other actors, in one line; empty if there are none. */
export function describeIntents({ intents, at_ms }: EventRecord): string {
  const parts = intents.map((intent) => describeIntent(intent, at_ms)).filter((text) => text !== '');
  const shown = parts.length > 4 ? [...parts.slice(0, 3), `and ${parts.length - 3} more`] : parts;
  return shown.join('; ');
}

/** The questions that the machine answered with no. */
export function describeRefusals({ guards }: EventRecord): string {
  const refused = new Set(guards.filter(({ passed }) => !passed).map(({ guard }) => guard));
  return [...refused].map((guard) => `guard ${guard}: no`).join(', ');
}
