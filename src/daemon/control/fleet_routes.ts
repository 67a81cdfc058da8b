/** Requests about the fleet as a whole: who is behind, and how fast bytes go. */
import { z } from 'zod';
import type { FleetOperations } from '../operations/operations.js';
import { type Route, route } from './route.js';
import { fleetSchema, throughputSchema } from './schemas/fleet.js';

const throughputQuery = z.strictObject({
  since_s: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('unix time; default: an hour ago; seven days are kept'),
  step_s: z.coerce
    .number()
    .int()
    .min(1)
    .max(604_800)
    .optional()
    .describe('length of a step, seconds, rounded up to tens; default 10'),
});

export function fleetRoutes(fleet: FleetOperations): Route[] {
  return [
    route('GET fleet', {
      summary: 'which replica has what of each image, and how far it is behind',
      group: 'fleet',
      answer: fleetSchema,
      work: async () => fleet.report(),
    }),
    route('GET replicas/:name/throughput', {
      summary: 'bytes that went to a replica, step by step',
      group: 'replicas',
      query: throughputQuery,
      answer: throughputSchema,
      work: async ({ query }, name) => fleet.throughput(name ?? '', query),
    }),
  ];
}
