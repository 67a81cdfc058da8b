/** The answers of a name server, as the description of the API tells them. */
import { z } from 'zod';
import type {
  NameRemovalReport,
  NameReport,
  NameServerReport,
  RemovedNameReport,
} from '../../../core/name_report.js';
import { at_ms, at_ms_or, count } from './common.js';

export const nameSchema: z.ZodType<NameReport> = z
  .strictObject({
    name: z.string(),
    address: z.string(),
    metadata: z.array(z.string()),
    owner: z.string().describe('the node that registered it, or `operator`'),
    lease_s: z.number().nullable().describe('how long a renewal holds; null: until it is removed'),
    registered_at_ms: at_ms,
    renewed_at_ms: at_ms,
    expires_at_ms: at_ms_or('never'),
    state: z.enum(['reachable', 'suspect', 'unreachable']),
    state_at_ms: at_ms,
    state_reason: z.string(),
  })
  .meta({ id: 'NameReport' });

export const nameRemovalSchema: z.ZodType<NameRemovalReport> = z
  .strictObject({ removed: count, names: z.array(z.string()) })
  .meta({ id: 'NameRemovalReport' });

export const removedNameSchema: z.ZodType<RemovedNameReport> = z
  .strictObject({
    name: z.string(),
    address: z.string(),
    owner: z.string(),
    removed_at_ms: at_ms,
    reason: z.string(),
  })
  .meta({ id: 'RemovedNameReport' });

export const nameServerSchema: z.ZodType<NameServerReport> = z
  .strictObject({
    node: z.string(),
    address: z.string(),
    names: count,
    started_at_ms: at_ms,
    round_trip_ms: z.number().min(0),
  })
  .meta({ id: 'NameServerReport' });
