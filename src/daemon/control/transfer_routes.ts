import { z } from 'zod';
import type { AcceptReport, CheckRequest } from '../../core/node_report.js';
import type { SendRequest } from '../../core/report.js';
import type { TransferOperations } from '../operations/operations.js';
import { given, history_query } from './query_parts.js';
import { type Route, route } from './route.js';
import { codec, count } from './schemas/common.js';
import { acceptSchema, historySchema, transferSchema } from './schemas/transfer.js';

const replicas = z
  .array(z.string())
  .min(1)
  .max(1_000)
  .describe('names or numbers of replicas, or just `all`');

const sendBody: z.ZodType<SendRequest> = z
  .strictObject({
    image: z.string(),
    numbers: z.array(z.string()).min(1).max(10_000),
    to: replicas,
    codec: codec.optional(),
    ssh: z.boolean().optional().describe('through the ssh tunnels of the replicas'),
  })
  .meta({ id: 'SendRequest' });

const checkBody: z.ZodType<CheckRequest> = z
  .strictObject({ image: z.string(), numbers: z.array(z.string()).min(1).max(1_000), to: replicas })
  .meta({ id: 'CheckRequest' });

const filter_parts = {
  states: z
    .string()
    .transform((text) => text.split(','))
    .optional()
    .describe('joined by commas; `parked` is one of them'),
  number: z.string().optional().describe('of the snapshot'),
  image: z.string().optional().describe('name of the image'),
  replica: z.string().optional().describe('name or number'),
  text: z.string().optional().describe('part of the id, the image, the number or the replica'),
  since_ms: z.coerce.number().int().min(0).optional().describe('unix time, ms; made at or after it'),
};

const countQuery = z.strictObject(filter_parts);

const listQuery = z.strictObject({
  ...filter_parts,
  sort: z.enum(['created', 'updated', 'image', 'replica', 'state']).optional().describe('default created'),
  direction: z.enum(['up', 'down']).optional().describe('default down: the newest first'),
  offset: z.coerce.number().int().min(0).optional().describe('so many of the first are left out'),
  limit: z.coerce.number().int().min(1).max(1_000).optional().describe('default 1000'),
});

/** Transfers; on a replica, receptions. */
export function transferRoutes(transfers: TransferOperations): Route[] {
  return [
    route('POST transfers', {
      summary: 'starts one transfer for each number and replica, in the order of the numbers',
      group: 'transfers',
      body: sendBody,
      answer: z.array(transferSchema),
      work: ({ body }) => transfers.send(body),
    }),
    route('POST transfers/check', {
      summary: 'asks each replica whether it would take the snapshots; nothing is sent',
      group: 'transfers',
      body: checkBody,
      answer: z.array(acceptSchema) satisfies z.ZodType<AcceptReport[]>,
      work: ({ body }) => transfers.check(body),
    }),
    route('GET transfers', {
      summary: 'transfers, newest first; on a replica, its receptions',
      group: 'transfers',
      query: listQuery,
      answer: z.array(transferSchema),
      work: ({ query }) => transfers.list(given(query)),
    }),
    route('GET transfers/count', {
      summary: 'how many transfers there are in each state',
      group: 'transfers',
      query: countQuery,
      answer: z.record(z.string(), count),
      work: ({ query }) => transfers.count(given(query)),
    }),
    route('GET transfers/:id', {
      summary: 'all about one transfer',
      group: 'transfers',
      answer: transferSchema,
      work: (_input, id) => transfers.get(id),
    }),
    route('GET transfers/:id/history', {
      summary: 'every step of one transfer, and the work that ran meanwhile',
      group: 'transfers',
      query: history_query,
      answer: historySchema,
      work: ({ query }, id) => transfers.history(id, query),
    }),
    route('POST transfers/:id/cancel', {
      summary: 'ends a transfer',
      group: 'transfers',
      answer: transferSchema,
      work: (_input, id) => transfers.cancel(id),
    }),
  ];
}
