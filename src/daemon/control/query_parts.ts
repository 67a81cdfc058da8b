/** What queries of several requests have in common. */
import { z } from 'zod';
import type { HistoryFilter } from '../../core/report.js';
import { node_choice } from './route.js';

/** In a query all is text. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

export const node_query = z.strictObject({ node: node_choice });

const history_parts = {
  after_seq: z.coerce.number().int().min(0).optional().describe('only those behind this event'),
  changes: flag.optional().describe('only those that led to another state, or made the state begin anew'),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe('at most so many: the newest, or with after_seq the first behind it; default 1000'),
};

/** Which events of a history are wanted. */
export const history_query: z.ZodType<HistoryFilter> = z.strictObject(history_parts);

/** The same, on any node. */
export const node_history_query = z.strictObject({ ...history_parts, node: node_choice });

/** What stands in an object and is not undefined. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(pairs) as { [K in keyof T]: Exclude<T[K], undefined> };
}
