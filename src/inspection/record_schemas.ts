/** What rows look like in a file. */
import { z } from 'zod';
import type { ErrorReport } from '../core/errors.js';
import type { MachineGraph } from '../core/machine_report.js';
import type {
  ActorRecord,
  EffectRecord,
  EventCause,
  EventRecord,
  IntentRecord,
  PlainEvent,
  TimerRecord,
} from '../core/records.js';

const kind = z.enum(['image', 'replica', 'transfer', 'reception']);
const address = { kind, id: z.string().min(1) };
const actor = z.object(address);
const plainEvent = z.looseObject({ type: z.string() }) as unknown as z.ZodType<PlainEvent>;
const snapshot = z.object({ value: z.unknown(), context: z.unknown() });

/** A newer release may know other codes. */
const errorReport = z.object({
  code: z.string(),
  message: z.string(),
  operation: z.string(),
  subject: z.string(),
  retryable: z.boolean(),
  hint: z.string(),
}) as unknown as z.ZodType<ErrorReport>;

const cause: z.ZodType<EventCause> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('operator'), who: z.string() }),
  z.object({ kind: z.literal('peer'), node: z.string(), message: z.number() }),
  z.object({ kind: z.literal('timer'), timer: z.string() }),
  z.object({ kind: z.literal('effect'), effect: z.string() }),
  z.object({ kind: z.literal('actor'), actor: z.string(), seq: z.number() }),
  z.object({ kind: z.literal('daemon'), what: z.string() }),
]);

const intent: z.ZodType<IntentRecord> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('effect'), effect: z.string(), kind: z.string() }),
  z.object({ type: z.literal('stop'), kind: z.string(), effects: z.array(z.string()) }),
  z.object({ type: z.literal('tell'), to: z.string(), event: z.string() }),
  z.object({ type: z.literal('spawn'), actor: z.string() }),
  z.object({
    type: z.literal('message'),
    message: z.number(),
    peer: z.string(),
    to: z.string(),
    event: z.string(),
  }),
  z.object({ type: z.literal('timer'), timer: z.string(), due_at_ms: z.number() }),
  z.object({ type: z.literal('cancel_timer'), timer: z.string() }),
]);

export const actorRecord: z.ZodType<ActorRecord> = z.object({
  ...address,
  machine_version: z.int(),
  status: z.enum(['running', 'parked']),
  parked_reason: z.string(),
  snapshot,
  state: z.string(),
  settled: z.boolean(),
  labels: z.object({
    image: z.string().optional(),
    replica: z.string().optional(),
    snapshot: z.string().optional(),
  }),
  seq: z.int(),
  epoch: z.int(),
  created_at_ms: z.number(),
  updated_at_ms: z.number(),
});

/** What a step has besides what can be worked out of it. */
export const stepParts = {
  seq: z.int(),
  at_ms: z.number(),
  epoch: z.int(),
  machine_version: z.int(),
  event: plainEvent,
  cause,
  state_before: z.string(),
  state: z.string(),
  attempt: z.int(),
  handled: z.boolean(),
  ignored_reason: z.string(),
  guards: z.array(z.object({ guard: z.string(), passed: z.boolean() })),
  intents: z.array(intent),
} as const;

export const eventRecord: z.ZodType<EventRecord> = z.object({
  ...address,
  event_id: z.int(),
  ...stepParts,
  digest: z.string(),
});

export const effectRecord: z.ZodType<EffectRecord> = z.object({
  id: z.string(),
  actor,
  seq: z.int(),
  kind: z.string(),
  params: z.unknown(),
  status: z.enum(['running', 'done', 'failed', 'stopped', 'lost']),
  epoch: z.int(),
  started_at_ms: z.number(),
  ended_at_ms: z.number().nullable(),
  error: errorReport.nullable(),
});

export const timerRecord: z.ZodType<TimerRecord> = z.object({
  actor,
  id: z.string(),
  event: plainEvent,
  due_at_ms: z.number(),
});

export const machineGraph: z.ZodType<MachineGraph> = z.object({
  kind,
  version: z.int(),
  states: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      is_settled: z.boolean(),
      is_initial: z.boolean(),
    }),
  ),
  transitions: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      event: z.string(),
      guard: z.string(),
      is_common: z.boolean(),
    }),
  ),
});
