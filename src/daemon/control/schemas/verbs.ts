/** What operators ask of transfers, and the answers, as the description of the API tells them. */
import { z } from 'zod';
import type {
  BulkRedriveRequest,
  ForkRequest,
  RedriveReport,
  RedriveRequest,
  UnparkReport,
} from '../../../core/verbs.js';
import { actor_kind, at_ms, codec } from './common.js';

const from_start = z
  .boolean()
  .optional()
  .describe(
    'throws away what the replica has of it; default: goes on at the last checkpoint, if there is one',
  );

export const redriveRequestSchema: z.ZodType<RedriveRequest> = z
  .strictObject({ from_start })
  .meta({ id: 'RedriveRequest' });

export const bulkRedriveRequestSchema: z.ZodType<BulkRedriveRequest> = z
  .strictObject({
    states: z
      .array(z.enum(['failed', 'cancelled', 'parked']))
      .min(1)
      .optional()
      .describe('default: failed'),
    image: z.string().optional(),
    replica: z.string().optional().describe('name or number'),
    since_ms: at_ms
      .optional()
      .describe('only those that came into their state at or after it, unix time, ms'),
    from_start,
    per_minute: z
      .number()
      .positive()
      .max(60_000)
      .optional()
      .describe('so many begin in a minute, evenly spread; default 60'),
    dry_run: z.boolean().optional().describe('says what would be done, and does nothing'),
  })
  .meta({ id: 'BulkRedriveRequest' });

const redriveReportSchema: z.ZodType<RedriveReport> = z
  .strictObject({
    transfer: z.string(),
    image: z.string(),
    number: z.string(),
    replica: z.string(),
    state: z.string().describe('before'),
    starts_at_ms: at_ms,
    result: z.enum(['redriven', 'would be redriven', 'refused']),
    reason: z.string().describe('why it was refused, or what it goes on with'),
  })
  .meta({ id: 'RedriveReport' });

export const redriveReportsSchema = z.array(redriveReportSchema);

export const forkRequestSchema: z.ZodType<ForkRequest> = z
  .strictObject({
    at_seq: z.int().min(1).optional().describe('the event after which its plan is taken; default: the last'),
    codec: codec.optional(),
    parent: z
      .string()
      .min(1)
      .optional()
      .describe('number of the parent, `none` for a full stream, `auto` to choose anew; default: as planned'),
    to: z.string().min(1).optional().describe('name or number of another replica'),
    ssh: z.boolean().optional(),
  })
  .meta({ id: 'ForkRequest' });

export const unparkSchema: z.ZodType<UnparkReport> = z
  .strictObject({
    kind: actor_kind,
    id: z.string(),
    state: z.string(),
    state_description: z.string().describe('the state in words'),
  })
  .meta({ id: 'UnparkReport' });
