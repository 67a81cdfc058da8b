/** The control API: which request calls which operation. */
import type { Operations } from '../operations/operations.js';
import { fleetRoutes } from './fleet_routes.js';
import { unknownRequest, wrongMethod } from './http_error.js';
import { imageRoutes } from './image_routes.js';
import { inspectionRoutes } from './inspection_routes.js';
import { nameRoutes } from './name_routes.js';
import { nodeRoutes } from './node_routes.js';
import type { ControlRequest, Route } from './route.js';
import { snapshotRoutes } from './snapshot_routes.js';
import { transferRoutes } from './transfer_routes.js';
import { verbRoutes } from './verb_routes.js';

function match(path: string, parts: readonly string[]): string[] | undefined {
  const wanted = path.split('/');
  if (wanted.length !== parts.length) return undefined;
  if (wanted.some((part, index) => !part.startsWith(':') && part !== parts[index])) return undefined;
  return parts.filter((_, index) => wanted[index]?.startsWith(':'));
}

/** All requests of the control API. */
export function controlRoutes(operations: Operations): Route[] {
  const described: Route[] = [
    ...nodeRoutes(operations),
    ...fleetRoutes(operations.fleet),
    ...imageRoutes(operations.images),
    ...snapshotRoutes(operations.snapshots, operations.verifications),
    ...transferRoutes(operations.transfers),
    ...inspectionRoutes(operations.inspection),
    ...verbRoutes(operations.verbs),
    ...nameRoutes(operations.names),
  ];
  return described;
}

const openPlaces = ({ path }: Route): number => path.split(':').length - 1;

/** Finds the operation that a request calls. */
export class ControlRoutes {
  /** Those with fewer open places come first: `transfers/count` is no transfer of the id `count`. */
  readonly #routes: readonly Route[];
  /** Those of this API, as they are described. */
  readonly all: readonly Route[];

  constructor(operations: Operations) {
    this.all = controlRoutes(operations);
    this.#routes = this.all.toSorted((one, other) => openPlaces(one) - openPlaces(other));
  }

  /** @throws HttpError for what is no request of this API; what the operation throws */
  async answer(request: ControlRequest): Promise<unknown> {
    const wanted = request.method === 'HEAD' ? 'GET' : request.method;
    const allowed: string[] = [];
    for (const { method, path, handler } of this.#routes) {
      const names = match(path, request.parts);
      if (names === undefined) continue;
      if (method === wanted) return handler(request, names);
      allowed.push(method);
    }
    const asked = `/v1/${request.parts.join('/')}`;
    throw allowed.length === 0
      ? unknownRequest(request.method, asked)
      : wrongMethod(request.method, asked, allowed);
  }
}
