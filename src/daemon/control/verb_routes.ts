/** Requests that do something with transfers, and with actors that are parked. */
import type { VerbOperations } from '../operations/operations.js';
import { type Route, route } from './route.js';
import { transferSchema } from './schemas/transfer.js';
import {
  bulkRedriveRequestSchema,
  forkRequestSchema,
  redriveReportsSchema,
  redriveRequestSchema,
  unparkSchema,
} from './schemas/verbs.js';

/** Verbs that take nothing but the transfer. */
const plain_verbs = [
  { verb: 'pause', summary: 'halt a transfer; what the replica has of it is kept' },
  { verb: 'resume', summary: 'let a paused transfer go on where it was' },
  { verb: 'retry-now', summary: 'do not wait any longer for the next try' },
] as const;

export function verbRoutes(verbs: VerbOperations): Route[] {
  return [
    ...plain_verbs.map(({ verb, summary }) =>
      route(`POST transfers/:id/${verb}`, {
        summary,
        group: 'transfers',
        answer: transferSchema,
        work: async (_input, id = '') => verbs.act(id, verb),
      }),
    ),
    route('POST transfers/:id/redrive', {
      summary: 'run a transfer again that failed, was cancelled or is parked',
      group: 'transfers',
      body: redriveRequestSchema,
      answer: transferSchema,
      work: async ({ body }, id = '') => verbs.redrive(id, body),
    }),
    route('POST transfers/:id/fork', {
      summary: 'make a new transfer from what this one had decided; answers with the new one',
      group: 'transfers',
      body: forkRequestSchema,
      answer: transferSchema,
      work: async ({ body }, id = '') => verbs.fork(id, body),
    }),
    route('POST redrive', {
      summary: 'run many transfers again, spread over time',
      group: 'transfers',
      body: bulkRedriveRequestSchema,
      answer: redriveReportsSchema,
      work: async ({ body }) => verbs.redriveAll(body),
    }),
    route('POST actors/:kind/:id/unpark', {
      summary: 'let an actor go on that was parked',
      group: 'actors',
      answer: unparkSchema,
      work: async (_input, kind = '', id = '') => verbs.unpark(kind, id),
    }),
  ];
}
