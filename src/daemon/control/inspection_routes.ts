/** Requests about machines and about what actors did. */
import type { InspectedKind, InspectionOperations } from '../operations/operations.js';
import { type Route, route } from './route.js';
import { diagramSchema, machineGraphSchema } from './schemas/machine.js';

/** What stands in paths for each kind of actor, and what one of them is called. */
const inspected = [
  { kind: 'transfer', group: 'transfers' },
  { kind: 'replica', group: 'replicas' },
  { kind: 'image', group: 'images' },
] as const satisfies readonly { readonly kind: InspectedKind; readonly group: string }[];

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
  ];
}
