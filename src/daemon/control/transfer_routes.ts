import { z } from 'zod';
import { codec_names } from '../../core/codecs.js';
import type { TransferOperations } from '../operations/operations.js';
import { type PlainRoute, fit, query } from './route.js';

const sendBody = z.strictObject({
  image: z.string(),
  numbers: z.array(z.string()).min(1).max(10_000),
  to: z.array(z.string()).min(1).max(1_000),
  codec: z.enum(codec_names).optional(),
  ssh: z.boolean().optional(),
});
const transferQuery = z.strictObject({
  states: z.string().optional(),
  image: z.string().optional(),
  replica: z.string().optional(),
  since_ms: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
});

/** Transfers; on a replica, receptions. */
export function transferRoutes(transfers: TransferOperations): PlainRoute[] {
  return [
    ['POST', 'transfers', ({ body }) => transfers.send(fit(sendBody, body, 'send'))],
    [
      'GET',
      'transfers',
      (request) => {
        const { states, ...filter } = query(transferQuery, request);
        return transfers.list(states === undefined ? filter : { ...filter, states: states.split(',') });
      },
    ],
    ['GET', 'transfers/:id', (_request, [id = '']) => transfers.get(id)],
    ['GET', 'transfers/:id/history', (_request, [id = '']) => transfers.history(id, {})],
    ['POST', 'transfers/:id/cancel', (_request, [id = '']) => transfers.cancel(id)],
  ];
}
