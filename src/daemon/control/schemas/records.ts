/** What stands in histories, as the description of the API tells it. */
import { z } from 'zod';
import type {
  EffectRecord,
  EventCause,
  EventRecord,
  GuardResult,
  IntentRecord,
  PlainEvent,
} from '../../../core/records.js';
import { actor_kind, at_ms, at_ms_or, count, errorSchema } from './common.js';

export const plainEventSchema: z.ZodType<PlainEvent> = z
  .looseObject({ type: z.string() })
  .meta({ id: 'PlainEvent', description: 'an event as its machine sees it: its type, and what it carries' });

export const causeSchema: z.ZodType<EventCause> = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('operator'), who: z.string() }),
    z.strictObject({ kind: z.literal('peer'), node: z.string(), message: z.int() }),
    z.strictObject({ kind: z.literal('timer'), timer: z.string() }),
    z.strictObject({ kind: z.literal('effect'), effect: z.string().describe('its id') }),
    z.strictObject({ kind: z.literal('actor'), actor: z.string().describe('`kind/id`'), seq: z.int() }),
    z.strictObject({ kind: z.literal('daemon'), what: z.string() }),
  ])
  .meta({ id: 'EventCause', description: 'what made an event happen' });

export const guardSchema: z.ZodType<GuardResult> = z
  .strictObject({ guard: z.string(), passed: z.boolean() })
  .meta({ id: 'GuardResult', description: 'a question that a machine asked itself about an event' });

export const intentSchema: z.ZodType<IntentRecord> = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('effect'), effect: z.string(), kind: z.string() }),
    z.strictObject({ type: z.literal('stop'), kind: z.string(), effects: z.array(z.string()) }),
    z.strictObject({ type: z.literal('tell'), to: z.string(), event: z.string() }),
    z.strictObject({ type: z.literal('spawn'), actor: z.string() }),
    z.strictObject({
      type: z.literal('message'),
      message: z.int(),
      peer: z.string(),
      to: z.string(),
      event: z.string(),
    }),
    z.strictObject({ type: z.literal('timer'), timer: z.string(), due_at_ms: at_ms }),
    z.strictObject({ type: z.literal('cancel_timer'), timer: z.string() }),
  ])
  .meta({ id: 'IntentRecord', description: 'what a machine asked for with one event' });

export const eventSchema: z.ZodType<EventRecord> = z
  .strictObject({
    event_id: z.int().describe('grows with each event of the node, whichever actor it is of'),
    kind: actor_kind,
    id: z.string().describe('of the actor'),
    seq: count.describe('grows by one with each event of the actor'),
    at_ms,
    epoch: count.describe('starts of the node so far'),
    machine_version: count,
    event: plainEventSchema,
    cause: causeSchema,
    state_before: z.string().describe('empty: the event made the actor'),
    state: z.string().describe('after the event'),
    attempt: count.describe('after the event; 0: none has begun, or the actor has none'),
    handled: z.boolean().describe('whether the machine did anything with it'),
    ignored_reason: z.string().describe('why nothing was done with it; empty: it was handled'),
    guards: z.array(guardSchema).describe('in the order in which they were asked'),
    intents: z.array(intentSchema),
    digest: z.string().describe('of the snapshot after the event; empty: an older release wrote it'),
  })
  .meta({ id: 'EventRecord', description: 'one step of an actor' });

export const effectSchema: z.ZodType<EffectRecord> = z
  .strictObject({
    id: z.string().describe('`kind/actor:seq:index`'),
    actor: z.strictObject({ kind: actor_kind, id: z.string() }),
    seq: count.describe('the event that started it'),
    kind: z.string(),
    params: z.unknown(),
    status: z
      .enum(['running', 'done', 'failed', 'stopped', 'lost'])
      .describe('`stopped`: its actor no longer wanted it; `lost`: the daemon ended while it ran'),
    epoch: count,
    started_at_ms: at_ms,
    ended_at_ms: at_ms_or('it runs'),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'EffectRecord', description: 'something that an actor wanted done in the world' });

/** What every history has besides the actor itself. */
export const history_fields = {
  omitted: count.describe('events that fit and are not told'),
  events: z.array(eventSchema).describe('oldest first'),
  effects: z.array(effectSchema).describe('those that ran while these events happened'),
};
