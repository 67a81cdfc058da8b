import { z } from 'zod';
import type { NameService } from '../../core/name_service.js';
import { type PlainRoute, fit, plain, query, query_list } from './route.js';

const nameFilter = z.strictObject({
  prefix: z.string().optional(),
  regex: z.string().optional(),
  metadata_all: query_list,
  metadata_any: query_list,
});
const nameRemoval = z.strictObject({
  name: z.string().optional(),
  prefix: z.string().optional(),
  regex: z.string().optional(),
});
const registrationBody = z.strictObject({
  name: z.string(),
  address: z.string(),
  metadata: z.array(z.string()).max(1_000).optional(),
  lease_s: z.number().nullable().optional(),
  safe: z.boolean().optional(),
});
const metadataBody = z.strictObject({ metadata: z.array(z.string()).max(1_000) });
const removedQuery = z.strictObject({ limit: z.coerce.number().int().min(1).optional() });

/** What stands in an object and is not undefined. */
function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(pairs) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** The name server: its own paths stand beside `names/`, where any word may be a name. */
export function nameRoutes(names: NameService): PlainRoute[] {
  return [
    ['GET', 'names', (request) => names.list(given(query(nameFilter, request)))],
    ['POST', 'names', ({ body }) => names.register(fit(registrationBody, body, 'registration'))],
    ['DELETE', 'names', (request) => names.remove(given(query(nameRemoval, request)))],
    ['GET', 'names/:name', (_request, [name = '']) => names.lookup(name)],
    [
      'POST',
      'names/:name/metadata',
      ({ body }, [name = '']) => names.setMetadata(name, fit(metadataBody, body, 'metadata').metadata),
    ],
    ['GET', 'names-removed', (request) => names.removed(query(removedQuery, request).limit)],
    ['GET', 'name-server', plain(() => names.ping())],
  ];
}
