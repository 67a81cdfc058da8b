/** The answers about machines, as the description of the API tells them. */
import { z } from 'zod';
import type { DiagramReport, MachineGraph } from '../../../core/machine_report.js';

const kind = z.enum(['image', 'replica', 'transfer', 'reception']);

export const machineGraphSchema: z.ZodType<MachineGraph> = z
  .strictObject({
    kind,
    version: z.int(),
    states: z
      .array(
        z.strictObject({
          name: z.string(),
          description: z.string().describe('the state in words'),
          is_settled: z.boolean().describe('nothing happens in it by itself'),
          is_initial: z.boolean(),
        }),
      )
      .describe('in the order of the definition'),
    transitions: z.array(
      z.strictObject({
        from: z.string(),
        to: z.string().describe('the same as `from` for one that stays'),
        event: z.string().describe('type of the event; that of a timer is `after <name>`'),
        guard: z.string().describe('names of its guards; empty if it has none'),
        is_common: z.boolean().describe('it holds in every state that does not say otherwise'),
      }),
    ),
  })
  .meta({ id: 'MachineGraph' });

export const diagramSchema: z.ZodType<DiagramReport> = z
  .strictObject({
    kind,
    id: z.string(),
    graph: machineGraphSchema,
    state: z.string().describe('the state that it is in, or is parked in'),
    parked_reason: z.string().describe('empty if it is not parked'),
    visits: z.record(z.string(), z.int()).describe('how often it came into each state'),
    path: z.array(
      z.strictObject({
        from: z.string(),
        to: z.string(),
        event: z.string(),
        count: z.int().min(1),
        seq: z.int().describe('of the newest time'),
      }),
    ),
  })
  .meta({ id: 'DiagramReport' });
