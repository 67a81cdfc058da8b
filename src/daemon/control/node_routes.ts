import { z } from 'zod';
import type { Operations } from '../operations/operations.js';
import { type Route, fit, plain } from './route.js';

const leftoversBody = z.strictObject({ image: z.string(), names: z.array(z.string()).min(1).max(10_000) });

/** The node itself, and the replicas it knows. */
export function nodeRoutes({ status, doctor, replicas }: Operations): Route[] {
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
  ];
}
