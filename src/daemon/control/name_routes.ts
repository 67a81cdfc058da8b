import { z } from 'zod';
import type { NameService } from '../../core/name_service.js';
import { given } from './query_parts.js';
import { type Route, query_list, route } from './route.js';
import { nameRemovalSchema, nameSchema, nameServerSchema, removedNameSchema } from './schemas/names.js';

const prefix = z.string().optional().describe('names that begin so');
const regex = z.string().optional().describe('matches from the start of the name; RE2 syntax');
const metadata = z.array(z.string()).max(1_000);

const filterQuery = z.strictObject({
  prefix,
  regex,
  metadata_all: query_list.describe('names that carry all of these'),
  metadata_any: query_list.describe('names that carry at least one of these'),
});
const removalQuery = z.strictObject({
  name: z.string().optional().describe('just this one'),
  prefix,
  regex,
});
const registrationBody = z.strictObject({
  name: z.string(),
  address: z.string().meta({ examples: ['ws://10.0.0.5:9410'] }),
  metadata: metadata.optional(),
  lease_s: z.number().nullable().optional().describe('null or left out: holds until it is removed'),
  safe: z.boolean().optional().describe('refuse a name that is taken, even by the same owner'),
});
const metadataBody = z.strictObject({ metadata });
const removedQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).optional().describe('at most so many'),
});

/** The name server: its own paths stand beside `names/`, where any word may be a name. */
export function nameRoutes(names: NameService): Route[] {
  return [
    route('GET names', {
      summary: 'registrations, sorted by name',
      group: 'names',
      query: filterQuery,
      answer: z.array(nameSchema),
      work: ({ query }) => names.list(given(query)),
    }),
    route('POST names', {
      summary: 'registers a name, or changes what stands under it',
      group: 'names',
      body: registrationBody,
      answer: nameSchema,
      work: ({ body }) => names.register(given(body)),
    }),
    route('DELETE names', {
      summary: 'removes by exactly one of name, prefix and expression',
      group: 'names',
      query: removalQuery,
      answer: nameRemovalSchema,
      work: ({ query }) => names.remove(given(query)),
    }),
    route('GET names/:name', {
      summary: 'one registration',
      group: 'names',
      answer: nameSchema,
      work: (_input, name) => names.lookup(name),
    }),
    route('POST names/:name/metadata', {
      summary: 'replaces all metadata of a name',
      group: 'names',
      body: metadataBody,
      answer: nameSchema,
      work: ({ body }, name) => names.setMetadata(name, body.metadata),
    }),
    route('GET names-removed', {
      summary: 'registrations that are gone, and why, the newest first',
      group: 'names',
      query: removedQuery,
      answer: z.array(removedNameSchema),
      work: async ({ query: { limit } }) => [...(await names.removed(limit))],
    }),
    route('GET name-server', {
      summary: 'the name server itself, and how quickly it answers',
      group: 'names',
      answer: nameServerSchema,
      work: () => names.ping(),
    }),
  ];
}
