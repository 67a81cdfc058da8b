/** The answers about transfers, as the description of the API tells them. */
import { z } from 'zod';
import type { AcceptReport } from '../../../core/node_report.js';
import type {
  ForkOrigin,
  HistoryReport,
  ProgressReport,
  TimerReport,
  TransferReport,
} from '../../../core/report.js';
import { type VerbReport, verb_names } from '../../../core/verbs.js';
import { at_ms, at_ms_or, codec, count, errorSchema } from './common.js';
import { history_fields } from './records.js';

const bytes_or = (meaning: string) => count.nullable().describe(`bytes; null: ${meaning}`);

export const progressSchema: z.ZodType<ProgressReport> = z
  .strictObject({
    stream_bytes: count.describe('uncompressed bytes of the stream so far'),
    link_bytes: count,
    taken_bytes: count.describe(
      'bytes of the stream that the replica has taken; the last may not be on disk',
    ),
    checkpoint_bytes: bytes_or('it has not said').describe('bytes of the stream on the disk of the replica'),
    checkpoint_at_ms: at_ms_or('it has not said'),
    at_ms,
    total_bytes: bytes_or('unknown'),
    rate_bytes_per_s: z.number().min(0),
    eta_s: z.number().nullable().describe('seconds; null while the total or the rate is unknown'),
  })
  .meta({ id: 'ProgressReport' });

const verbSchema: z.ZodType<VerbReport> = z
  .strictObject({
    verb: z.enum([...verb_names, 'fork']),
    is_allowed: z.boolean(),
    reason: z.string().describe('why it is refused, or does nothing; empty if it is allowed'),
  })
  .meta({ id: 'VerbReport' });

const timerSchema: z.ZodType<TimerReport> = z
  .strictObject({ timer: z.string(), meaning: z.string().describe('what happens then'), due_at_ms: at_ms })
  .meta({ id: 'TimerReport' });

const forkOriginSchema: z.ZodType<ForkOrigin> = z
  .strictObject({ transfer: z.string(), seq: z.int() })
  .meta({ id: 'ForkOrigin' });

export const transferSchema: z.ZodType<TransferReport> = z
  .strictObject({
    id: z.string().meta({ examples: ['17-3fa9'] }),
    image: z.string(),
    number: z.string(),
    master: z.string().describe('the node that sends; empty on a replica that has heard no offer yet'),
    replica: z.string(),
    state: z.string().describe('a state of the machine, or `parked`'),
    state_description: z.string().describe('the state in words'),
    settled: z.boolean().describe('nothing happens any more unless somebody asks'),
    parked_reason: z.string().describe('empty if it is not parked'),
    attempt: count,
    attempt_at_ms: at_ms_or('before the first, and in lists for those that are settled'),
    failures: count,
    parent: z.string().nullable().describe('number of the snapshot that it builds on; null: a full stream'),
    plan_reason: z.string().describe('why this parent, or why none; empty before the first plan'),
    codec: codec.nullable(),
    stream_version: z.int().nullable(),
    ssh: z.boolean().describe('whether the stream is to go through the ssh tunnel of the replica'),
    already_there: z.boolean(),
    stream_bytes: bytes_or('not completed yet'),
    hash: z.string(),
    resumed_bytes: count.describe('bytes that the replica had when they began to flow last'),
    link_losses: count,
    checkpoint_bytes: bytes_or('unknown').describe('bytes of the stream that are on the disk of the replica'),
    checkpoint_at_ms: at_ms_or('unknown'),
    last_error: errorSchema.nullable(),
    progress: progressSchema.nullable().describe('while it sends'),
    last_progress: progressSchema.nullable().describe('where it stood when it moved last'),
    next_at_ms: at_ms_or('no timer runs'),
    timers: z.array(timerSchema).describe('what its actor waits for, the first first'),
    verbs: z.array(verbSchema).describe('what can be done with it now, and why not the rest'),
    forked_from: forkOriginSchema.nullable(),
    created_at_ms: at_ms,
    updated_at_ms: at_ms,
  })
  .meta({ id: 'TransferReport' });

export const historySchema: z.ZodType<HistoryReport> = z
  .strictObject({
    transfer: transferSchema,
    ...history_fields,
  })
  .meta({ id: 'HistoryReport' });

export const acceptSchema: z.ZodType<AcceptReport> = z
  .strictObject({
    node: z.string(),
    image: z.string(),
    number: z.string(),
    accepts: z.boolean(),
    reason: z.enum(['', 'unknown_image', 'already_there', 'conflict', 'no_room', 'busy', 'unreachable']),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'AcceptReport' });
