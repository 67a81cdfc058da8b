/** Requests about machines and about what actors did. */
import { z } from 'zod';
import { exportFileSchema } from '../../inspection/export_file.js';
import type { InspectedKind, InspectionOperations } from '../operations/operations.js';
import { type Route, route } from './route.js';
import { diagramSchema, machineGraphSchema } from './schemas/machine.js';
import { stepsSchema } from './schemas/steps.js';

/** What stands in paths for each kind of actor, and what one of them is called. */
const inspected = [
  { kind: 'transfer', group: 'transfers' },
  { kind: 'replica', group: 'replicas' },
  { kind: 'image', group: 'images' },
] as const satisfies readonly { readonly kind: InspectedKind; readonly group: string }[];

const stepsQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('so many of the newest; default 1,000'),
});

export function inspectionRoutes(inspection: InspectionOperations): Route[] {
  return [
    route('GET machines/:kind', {
      summary: 'the states and transitions of a machine: image, replica, transfer or reception',
      group: 'machines',
      answer: machineGraphSchema,
      work: async (_input, kind) => inspection.graph(kind ?? ''),
    }),
    ...inspected.map(({ kind, group }) =>
      route(`GET ${group}/:id/diagram`, {
        summary: `the machine of one ${kind}: the state it is in, and the way it took`,
        group,
        answer: diagramSchema,
        work: async (_input, id) => inspection.diagram({ kind, id: id ?? '' }),
      }),
    ),
    ...inspected.map(({ kind, group }) =>
      route(`GET ${group}/:id/steps`, {
        summary: `what one ${kind} knew after each of its events, what changed, and whether it adds up`,
        group,
        query: stepsQuery,
        answer: stepsSchema,
        work: async ({ query }, id) => inspection.steps({ kind, id: id ?? '' }, query),
      }),
    ),
    ...inspected.map(({ kind, group }) =>
      route(`GET ${group}/:id/export`, {
        summary: `all that is kept of one ${kind}, to be looked at anywhere with \`icbdrep view\``,
        group,
        answer: exportFileSchema,
        work: async (_input, id) => inspection.export({ kind, id: id ?? '' }),
      }),
    ),
  ];
}
