/** The control API: which request calls which operation. */
import { IcbdError } from '../../core/errors.js';
import type { Operations } from '../operations/operations.js';
import { fleetRoutes } from './fleet_routes.js';
import { imageRoutes } from './image_routes.js';
import { nameRoutes } from './name_routes.js';
import { nodeRoutes } from './node_routes.js';
import type { ControlRequest, PlainRoute, Route } from './route.js';
import { selfRoutes } from './self_routes.js';
import { transferRoutes } from './transfer_routes.js';

function match(path: string, parts: readonly string[]): string[] | undefined {
  const wanted = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  if (wanted.some((part, index) => !part.startsWith(':') && part !== parts[index])) return undefined;
  return parts.filter((_, index) => wanted[index]?.startsWith(':'));
}

/**
 * Makes the function that answers requests with the operations' results.
 * It throws IcbdError `InvalidArgument` for what is no request of this API.
 */
export function controlRoutes(operations: Operations): (request: ControlRequest) => Promise<unknown> {
  const described: Route[] = [...fleetRoutes(operations.fleet)];
  const routes: PlainRoute[] = [
    ...described.map(({ method, path, handler }): PlainRoute => [method, path, handler]),
    ...nodeRoutes(operations),
    ...selfRoutes(operations.nodes, operations.transfers),
    ...imageRoutes(operations),
    ...transferRoutes(operations.transfers),
    ...nameRoutes(operations.names),
  ];
  return async (request) => {
    for (const [method, path, handler] of routes) {
      const names = match(path, request.parts);
      if (method === request.method && names !== undefined) return handler(request, names);
    }
    throw new IcbdError('InvalidArgument', `no request ${request.method} /v1/${request.parts.join('/')}`, {
      operation: 'control',
      subject: request.parts.join('/'),
      hint: 'the client may be of another version than the daemon',
    });
  };
}
