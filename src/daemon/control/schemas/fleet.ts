/** The answers about the fleet, as the description of the API tells them. */
import { z } from 'zod';
import type { CopyReport, FleetReport, ThroughputReport } from '../../../core/fleet_report.js';

const copySchema: z.ZodType<CopyReport> = z
  .strictObject({
    image: z.string(),
    replica: z.string(),
    state: z.enum(['in_sync', 'behind', 'in_transfer', 'failed', 'empty', 'unknown']),
    is_online: z.boolean(),
    newest: z.string().describe('the newest snapshot of the master that it holds; empty: none'),
    snapshots_behind: z.int().min(0),
    lag_s: z.number().min(0).describe('seconds since the first snapshot was taken that it lacks'),
    transfers: z.array(z.string()).describe('those of the image to it that are not settled'),
    failed_transfer: z.string().describe('empty: none'),
    known_at_ms: z.number().nullable().describe('when the replica said so; null: not since the start'),
  })
  .meta({ id: 'CopyReport' });

export const fleetSchema: z.ZodType<FleetReport> = z
  .strictObject({
    at_ms: z.number(),
    images: z.array(
      z.strictObject({
        name: z.string(),
        newest: z.string(),
        snapshot_count: z.int().min(0),
        newest_at_ms: z.number().nullable(),
      }),
    ),
    replicas: z.array(z.strictObject({ name: z.string(), node_id: z.int(), state: z.string() })),
    copies: z.array(copySchema),
  })
  .meta({ id: 'FleetReport' });

export const throughputSchema: z.ZodType<ThroughputReport> = z
  .strictObject({
    replica: z.string(),
    step_s: z.int(),
    samples: z.array(
      z.strictObject({
        at_s: z.int().describe('begin of the step, unix time'),
        stream_bytes: z.int().describe('uncompressed'),
        link_bytes: z.int(),
      }),
    ),
  })
  .meta({ id: 'ThroughputReport' });
