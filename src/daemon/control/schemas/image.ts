/** The answers about images and snapshots, as the description of the API tells them. */
import { z } from 'zod';
import type {
  ImageDetails,
  ImageHistoryReport,
  ImageReport,
  SnapshotNeed,
  SnapshotReport,
} from '../../../core/report.js';
import { at_ms, codec, count, errorSchema } from './common.js';
import { history_fields } from './records.js';

const image = {
  name: z.string(),
  state: z.string(),
  path: z.string(),
  source: z.string().describe('where its snapshots are taken of; empty: none on this node'),
  codec: codec.nullable(),
  snapshot_count: count.nullable().describe('as the last scan found it; null before the first'),
  newest: z.string().describe('number of its last snapshot; empty if there is none'),
  error: errorSchema.nullable(),
};

export const imageSchema: z.ZodType<ImageReport> = z.strictObject(image).meta({ id: 'ImageReport' });

const needSchema: z.ZodType<SnapshotNeed> = z
  .strictObject({
    number: z.string(),
    kind: z
      .enum(['sent', 'received', 'parent', 'base'])
      .describe('`base`: the next increment between this node and `node` will build on it'),
    node: z.string().describe('the node at the other end'),
    transfer: z.string().describe('empty for a base'),
    since_ms: at_ms,
    otherwise: z.string().describe('of a base: what the next transfer would build on without it'),
  })
  .meta({ id: 'SnapshotNeed' });

export const snapshotSchema: z.ZodType<SnapshotReport> = z
  .strictObject({
    image: z.string(),
    number: z.string(),
    mountpoint: z.string(),
    image_path: z.string(),
    path: z.string(),
    uuid: z.string(),
    received_uuid: z.string(),
    created_at_ms: at_ms,
    needed_by: z.array(needSchema).nullable().describe('null: it was not asked for'),
  })
  .meta({ id: 'SnapshotReport' });

export const imageDetailsSchema: z.ZodType<ImageDetails> = z
  .strictObject({ ...image, last: snapshotSchema.nullable(), needs: z.array(needSchema) })
  .meta({ id: 'ImageDetails' });

export const imageHistorySchema: z.ZodType<ImageHistoryReport> = z
  .strictObject({
    image: imageSchema,
    ...history_fields,
  })
  .meta({ id: 'ImageHistoryReport' });
