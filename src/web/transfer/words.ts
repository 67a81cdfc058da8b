/** What stands in a history, in the words of people. */
import type {
  EffectRecord,
  EventCause,
  EventRecord,
  GuardResult,
  IntentRecord,
  PlainEvent,
} from '../../core/records.js';
import { eventName } from '../../core/path.js';
import { formatBytes, formatDuration } from '../ui/format.js';

/** `send.link_lost` is `send: link lost`; `after backoff` says that the time of a timer is over. */
export function eventWords(type: string): string {
  const name = eventName(type);
  const [, timer] = /^after (.+)$/.exec(name) ?? [];
  if (timer !== undefined) return `${spaced(timer)} is over`;
  return name
    .replace(/^(created|restarted)$/, 'was $1')
    .replace('.', ': ')
    .replaceAll('_', ' ');
}

/** `isOfThisAttempt`, `retry_timer`: `is of this attempt`, `retry timer`. */
export function spaced(name: string): string {
  return name
    .replaceAll(/[._]/g, ' ')
    .replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `transfer/17-3fa9` alone is `17-3fa9`. */
const lastPart = (address: string): string => address.split('/').at(-1) ?? address;

/** Why an event happened. */
export function causeWords(cause: EventCause): string {
  switch (cause.kind) {
    case 'operator':
      return `operator ${cause.who}`;
    case 'peer':
      return `${cause.node} said so`;
    case 'timer':
      return 'a timer';
    case 'effect':
      return 'its own work';
    case 'actor':
      return cause.actor.replace('/', ' ');
    case 'daemon':
      return cause.what;
    default:
      return cause satisfies never;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function resumedAt(offset_bytes: number): string {
  return offset_bytes === 0 ? 'from the beginning' : `goes on at ${formatBytes(offset_bytes)}`;
}

/** What an event carries that says more than its type; empty: nothing that a person would miss. */
export function eventDetails({ event }: Pick<EventRecord, 'event'>): string {
  const { error, reason, offset_bytes, resume_bytes, result, outcome } = event;
  if (isRecord(error)) return `${String(error['message'])} [${String(error['code'])}]`;
  if (typeof reason === 'string') return reason;
  if (typeof offset_bytes === 'number') return resumedAt(offset_bytes);
  if (typeof resume_bytes === 'number') return resumedAt(resume_bytes);
  if (isRecord(result)) return resultDetails(result);
  if (isRecord(outcome)) return resultDetails(outcome);
  return otherDetails(event);
}

function resultDetails(result: Readonly<Record<string, unknown>>): string {
  const { stream_bytes, reason, codec, parent } = result;
  if (typeof stream_bytes === 'number') return `${formatBytes(stream_bytes)} of stream`;
  if (typeof reason !== 'string') return '';
  const from = isRecord(parent) ? `an increment of ${String(parent['number'])}` : 'in full';
  return `${from}, codec ${String(codec)}: ${reason}`;
}

function otherDetails({ round_trip_ms, transfer, from_start, who, number }: PlainEvent): string {
  if (from_start === true) return 'from the start';
  if (typeof round_trip_ms === 'number') return `answered after ${formatDuration(round_trip_ms / 1_000)}`;
  if (typeof transfer === 'string') return `transfer ${transfer}`;
  if (typeof number === 'string') return `snapshot ${number}`;
  return typeof who === 'string' ? who : '';
}

/** What a machine asked for; empty for what is told elsewhere: effects are spans of their own. */
export function intentWords(intent: IntentRecord, at_ms: number): string {
  switch (intent.type) {
    case 'effect':
      return '';
    case 'stop':
      return intent.effects.length === 0 ? '' : `stops ${spaced(intent.kind)}`;
    case 'tell':
      return `tells ${intent.to.replace('/', ' ')}: ${eventWords(intent.event)}`;
    case 'spawn':
      return `makes ${intent.actor.replace('/', ' ')}`;
    case 'message':
      return `sends to ${intent.peer}: ${eventWords(intent.event)}`;
    case 'timer': {
      const wait = formatDuration(Math.max(0, intent.due_at_ms - at_ms) / 1_000);
      return `waits at most ${wait} (${spaced(lastPart(timerName(intent.timer)))})`;
    }
    case 'cancel_timer':
      return '';
    default:
      return intent satisfies never;
  }
}

/** xstate writes `NAME` or `xstate.after.NAME.machine.state`. */
function timerName(timer: string): string {
  return eventName(timer).replace(/^after /, '');
}

/** How an effect stands or ended, without its time. */
export function effectWords({ status, error }: EffectRecord): string {
  switch (status) {
    case 'running':
      return 'runs';
    case 'done':
      return 'done';
    case 'failed':
      return error === null ? 'failed' : `failed: ${error.message}`;
    case 'stopped':
      return 'stopped: no longer wanted';
    case 'lost':
      return 'lost: the daemon ended while it ran';
    default:
      return status satisfies never;
  }
}

/** `helpsToRetry` that said no: `helps to retry: no`. */
export function guardWords({ guard, passed }: GuardResult): string {
  return `${spaced(guard)}: ${passed ? 'yes' : 'no'}`;
}
