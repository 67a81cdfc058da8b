/** The answers about nodes, as the description of the API tells them. */
import { z } from 'zod';
import type { DoctorReport, LeftoverRemoval } from '../../../core/doctor_report.js';
import type { NodeReport, PingReport, ShutdownReport } from '../../../core/node_report.js';
import type { ReplicaHistoryReport, ReplicaReport, StatusReport } from '../../../core/report.js';
import type { TunnelReport } from '../../../core/tunnel_report.js';
import { actor_kind, at_ms, at_ms_or, codec, count, errorSchema } from './common.js';
import { history_fields } from './records.js';

const tunnelSchema: z.ZodType<TunnelReport> = z
  .strictObject({
    via: z.string(),
    target: z.string().describe('HOST:PORT to which it leads; empty before it was needed'),
    state: z.enum(['idle', 'starting', 'up', 'waiting', 'stopped']),
    since_ms: at_ms,
    restarts: count,
    pid: z.int().nullable(),
    error: errorSchema.nullable(),
  })
  .meta({ id: 'TunnelReport' });

export const statusSchema: z.ZodType<StatusReport> = z
  .strictObject({
    role: z.enum(['master', 'replica', 'nameserver']),
    node: z.string(),
    version: z.string(),
    protocol_version: z.int(),
    pid: z.int(),
    epoch: count.describe('starts of this node so far'),
    started_at_ms: at_ms,
    mountpoint: z.string(),
    free_bytes: z.number().min(0),
    database_bytes: count,
    names: count.optional().describe('registrations, on a name server of its own'),
    page_url: z.string().nullable().describe('where the API and the page are over TCP; null: nowhere'),
    link_address: z.string().describe('where it listens for links; on a replica the URL of its master'),
    is_linked: z.boolean().describe('on a replica: whether the link to its master is up'),
    tunnel: tunnelSchema.nullable().optional().describe('on a replica: its ssh tunnel, if it has one'),
    replicas_online: count,
    replicas_total: count,
    images: count,
    transfers_by_state: z.record(z.string(), count),
    parked: z
      .array(z.strictObject({ kind: actor_kind, id: z.string(), reason: z.string() }))
      .describe('actors that take no events until somebody looks'),
  })
  .meta({ id: 'StatusReport' });

export const replicaSchema: z.ZodType<ReplicaReport> = z
  .strictObject({
    node_id: z.int(),
    name: z.string(),
    state: z.string().meta({ examples: ['offline', 'back', 'online', 'suspect'] }),
    state_description: z.string(),
    is_connected: z.boolean().describe('whether its link is up'),
    address: z.string(),
    changed_at_ms: at_ms_or('it never connected'),
    linked_at_ms: at_ms_or('its link is down'),
    reason: z.string().describe('why it is offline or suspect'),
    last_answer_at_ms: at_ms_or('not yet on this link'),
    round_trip_ms: z.number().nullable(),
    missed: count.describe('keep-alives in a row that it has not answered'),
    btrfs_progs: z.string(),
    kernel: z.string(),
    codecs: z.array(codec),
    transfers_running: count,
    transfers_waiting: count,
  })
  .meta({ id: 'ReplicaReport' });

export const replicaHistorySchema: z.ZodType<ReplicaHistoryReport> = z
  .strictObject({
    replica: replicaSchema,
    events: history_fields.events,
    omitted: history_fields.omitted,
  })
  .meta({ id: 'ReplicaHistoryReport' });

export const nodeSchema: z.ZodType<NodeReport> = z
  .strictObject({
    name: z.string(),
    node_id: z.int().nullable().describe('the master is 0; null: a replica whose master has not told it yet'),
    role: z.enum(['master', 'replica']),
    version: z.string(),
    pid: z.int(),
    started_at_ms: at_ms,
    mountpoint: z.string(),
    free_bytes: z.number().min(0),
    data_address: z
      .strictObject({ url: z.string(), via: z.string().nullable() })
      .describe('where the bytes of snapshots flow, and through what'),
    is_stopping: z.boolean(),
  })
  .meta({ id: 'NodeReport' });

export const pingSchema: z.ZodType<PingReport> = z
  .strictObject({ node: z.string(), answer: z.literal('pong'), round_trip_ms: z.number().min(0) })
  .meta({ id: 'PingReport' });

export const shutdownSchema: z.ZodType<ShutdownReport> = z
  .strictObject({
    node: z.string(),
    mode: z.enum(['checkpoint', 'finish']),
    running: count.describe('transfers that run while it was asked'),
  })
  .meta({ id: 'ShutdownReport' });

export const doctorSchema: z.ZodType<DoctorReport> = z
  .strictObject({
    is_running: z.boolean(),
    node: z.string(),
    role: z.enum(['master', 'replica', 'unknown']),
    checks: z.array(
      z.strictObject({
        name: z.string(),
        status: z.enum(['ok', 'warn', 'fail']),
        text: z.string().describe('what was found'),
        hint: z.string().describe('what to do; empty if it is ok'),
      }),
    ),
    leftovers: z
      .array(
        z.strictObject({
          image: z.string(),
          name: z.string(),
          path: z.string(),
          is_complete: z.boolean(),
          is_removable: z.boolean(),
          reason: z.string(),
        }),
      )
      .describe('hidden subvolumes that no transfer wants'),
  })
  .meta({ id: 'DoctorReport' });

export const leftoverRemovalSchema: z.ZodType<LeftoverRemoval> = z
  .strictObject({
    image: z.string(),
    name: z.string(),
    is_removed: z.boolean(),
    reason: z.string().describe('why not; empty if it is removed'),
  })
  .meta({ id: 'LeftoverRemoval' });
