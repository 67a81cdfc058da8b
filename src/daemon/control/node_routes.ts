import { z } from 'zod';
import type { Operations } from '../operations/operations.js';
import { type PlainRoute, fit, plain, query } from './route.js';

const leftoversBody = z.strictObject({ image: z.string(), names: z.array(z.string()).min(1).max(10_000) });
const historyQuery = z.strictObject({
  changes: z.enum(['true', 'false']).optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
});

/** The node itself, and the replicas it knows. */
export function nodeRoutes({ status, doctor, replicas }: Operations): PlainRoute[] {
  return [
    ['GET', 'status', plain(status)],
    ['GET', 'doctor', plain(() => doctor.report())],
    [
      'POST',
      'doctor/remove',
      ({ body }) => {
        const { image, names } = fit(leftoversBody, body, 'leftovers');
        return doctor.removeLeftovers(image, names);
      },
    ],
    ['GET', 'replicas', plain(() => replicas.list())],
    ['GET', 'replicas/:name', (_request, [name = '']) => replicas.get(name)],
    [
      'GET',
      'replicas/:name/history',
      (request, [name = '']) => {
        const { changes, limit } = query(historyQuery, request);
        return replicas.history(name, { changes: changes === 'true', limit });
      },
    ],
  ];
}
