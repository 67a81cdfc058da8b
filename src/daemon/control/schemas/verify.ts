/** The answers about comparing snapshots, as the description of the API tells them. */
import { z } from 'zod';
import type {
  TreeDifference,
  VerifiedCopy,
  VerifyProgress,
  VerifyReport,
} from '../../../core/verify_report.js';
import { at_ms, at_ms_or, count, errorSchema } from './common.js';

const differenceSchema: z.ZodType<TreeDifference> = z
  .strictObject({
    path: z.string().describe("from the snapshot's root; what cannot be shown is escaped"),
    path_base64: z.string(),
    what: z.enum([
      'identity',
      'missing',
      'extra',
      'type',
      'content',
      'size',
      'mode',
      'owner',
      'mtime',
      'target',
      'device',
      'links',
      'xattr',
      'unreadable',
    ]),
    xattr: z.string().optional(),
    offset_bytes: count.optional().describe('where the first 4 KiB that differ begin'),
    master: z.string().describe("what the master's snapshot has"),
    copy: z.string(),
  })
  .meta({ id: 'TreeDifference' });

const progress = {
  node: z.string(),
  phase: z.enum(['waiting', 'listing', 'attributes', 'hashing', 'done']),
  entries: count,
  bytes: count,
  total_bytes: count.nullable(),
  rate_bytes_per_s: z.number().min(0),
};

const verifyProgressSchema: z.ZodType<VerifyProgress> = z
  .strictObject(progress)
  .meta({ id: 'VerifyProgress' });

const copySchema: z.ZodType<VerifiedCopy> = z
  .strictObject({
    ...progress,
    state: z.enum(['hashing', 'comparing', 'equal', 'different', 'missing', 'failed']),
    differences: z.array(differenceSchema),
    more: z.boolean().describe('there are more differences than are told'),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'VerifiedCopy' });

export const verifySchema: z.ZodType<VerifyReport> = z
  .strictObject({
    id: z.string(),
    image: z.string(),
    number: z.string(),
    state: z.enum(['running', 'finished', 'cancelled', 'failed']),
    master: verifyProgressSchema,
    copies: z.array(copySchema),
    skipped: z.array(z.strictObject({ node: z.string(), reason: z.string() })),
    error: errorSchema.nullable(),
    started_at_ms: at_ms,
    ended_at_ms: at_ms_or('it runs'),
  })
  .meta({ id: 'VerifyReport' });
