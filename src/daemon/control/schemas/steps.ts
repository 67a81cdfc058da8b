/** The answers about what an actor did, as the description of the API tells them. */
import { z } from 'zod';
import type { StepsReport } from '../../../core/machine_report.js';
import { stepParts } from '../../../inspection/record_schemas.js';

const step = z
  .strictObject({
    ...stepParts,
    context: z.unknown().describe('what the actor knew after it; null where that is not known'),
    changes: z
      .array(
        z.strictObject({
          path: z.string().describe('names of fields, joined by dots'),
          before: z.unknown().optional().describe('absent: the field was not there'),
          after: z.unknown().optional().describe('absent: the field is gone'),
        }),
      )
      .describe('of the context'),
  })
  .meta({ id: 'InspectedStep' });

export const stepsSchema: z.ZodType<StepsReport> = z
  .strictObject({
    kind: z.enum(['image', 'replica', 'transfer', 'reception']),
    id: z.string(),
    omitted: z.int().min(0).describe('how many older steps are left out'),
    steps: z.array(step).describe('oldest first'),
    departure: z
      .strictObject({ seq: z.int(), reason: z.string() })
      .nullable()
      .describe('the first event at which doing it again gives something else; null: none'),
    not_folded: z.string().describe('why the context after some steps is not known; empty if all are'),
  })
  .meta({ id: 'StepsReport' });
