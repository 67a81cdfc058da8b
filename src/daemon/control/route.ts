/** What a route of the control API is made of. */
import { z } from 'zod';
import { IcbdError } from '../../core/errors.js';

export interface ControlRequest {
  readonly method: string;
  /** Decoded parts of the path after `/v1/`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined if the request had no body. */
  readonly body: unknown;
}

export type Handler = (request: ControlRequest, names: readonly string[]) => Promise<unknown>;

/** A request of the API, with all that its description says of it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** After `/v1/`; `:name` stands for any one part. */
  readonly path: string;
  /** One line, for people. */
  readonly summary: string;
  /** What the list of requests is grouped by: `transfers`, `images` and so on. */
  readonly group: string;
  readonly query: z.ZodType | null;
  /** Null: the request has none. */
  readonly body: z.ZodType | null;
  readonly answer: z.ZodType;
  readonly handler: Handler;
}

interface RouteOptions<Query, Body, Answer> {
  readonly summary: string;
  readonly group: string;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly answer: z.ZodType<Answer>;
  /** `names` are what stands for the `:name`s of the path. */
  readonly work: (
    input: { readonly query: Query; readonly body: Body },
    ...names: string[]
  ) => Promise<Answer>;
}

const nothing = z.strictObject({});
/** What a request without a query or a body has. */
type Nothing = z.infer<typeof nothing>;

/**
 * Makes a route whose handler gets what its schemas let through. A request without a body counts as one with `{}`.
 * @param method_path for example `POST transfers/:id/pause`
 */
export function route<Query = Nothing, Body = Nothing, Answer = unknown>(
  method_path: `${Route['method']} ${string}`,
  { summary, group, query: wanted, body, answer, work }: RouteOptions<Query, Body, Answer>,
): Route {
  const [method, path] = method_path.split(' ') as [Route['method'], string];
  return {
    method,
    path,
    summary,
    group,
    answer,
    query: wanted ?? null,
    body: body ?? null,
    handler: async (request, names) => {
      const input = {
        query: queryOf((wanted ?? nothing) as z.ZodType<Query>, request.query),
        body: fit((body ?? nothing) as z.ZodType<Body>, request.body ?? {}, 'body'),
      };
      return work(input, ...names);
    },
  };
}

export const node_choice = z
  .string()
  .min(1)
  .optional()
  .describe('name or number of a node; the master is 0; default: the daemon that is asked');

/** @throws IcbdError `InvalidArgument` that says what of `value` does not fit */
export function fit<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new IcbdError('InvalidArgument', `${what}: ${z.prettifyError(result.error).replaceAll('\n', ' ')}`, {
    operation: 'control',
    subject: what,
  });
}

/** The query as the schema wants it; a key that stands more than once is a list. */
export function queryOf<T>(schema: z.ZodType<T>, pairs: URLSearchParams): T {
  const values: Record<string, string | string[]> = {};
  for (const key of new Set(pairs.keys())) {
    const all = pairs.getAll(key);
    values[key] = all.length === 1 ? (all[0] ?? '') : all;
  }
  return fit(schema, values, 'query');
}

/** In a query, a list of one looks like a single text. */
export const query_list = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(z.string()).optional(),
);
