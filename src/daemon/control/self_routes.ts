import { z } from 'zod';
import type { NodeOperations, TransferOperations } from '../operations/operations.js';
import { type PlainRoute, fit, node_choice, nodeIn } from './route.js';

const nodeBody = z.strictObject({ node: node_choice });
const shutdownBody = z.strictObject({
  node: node_choice,
  mode: z.enum(['checkpoint', 'finish']).default('checkpoint'),
});
const checkBody = z.strictObject({
  image: z.string(),
  numbers: z.array(z.string()).min(1).max(1_000),
  to: z.array(z.string()).min(1).max(1_000),
});

/** What a node says of itself, and stopping it. */
export function selfRoutes(nodes: NodeOperations, transfers: TransferOperations): PlainRoute[] {
  return [
    ['GET', 'node', (request) => nodes.get(nodeIn(request))],
    ['POST', 'node/ping', ({ body }) => nodes.ping(fit(nodeBody, body ?? {}, 'ping').node)],
    [
      'POST',
      'node/shutdown',
      ({ body }) => {
        const { node, mode } = fit(shutdownBody, body ?? {}, 'shutdown');
        return nodes.shutdown(node, mode);
      },
    ],
    ['POST', 'transfers/check', ({ body }) => transfers.check(fit(checkBody, body, 'check'))],
  ];
}
