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

/** `:name` in a path stands for any one part; the handler gets what stands there, in order. */
export type Route = readonly [method: 'GET' | 'POST' | 'DELETE', path: string, handler: Handler];

export const node_choice = z.string().min(1).optional();

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
export function query<T>(schema: z.ZodType<T>, request: ControlRequest): T {
  const values: Record<string, string | string[]> = {};
  for (const key of new Set(request.query.keys())) {
    const all = request.query.getAll(key);
    values[key] = all.length === 1 ? (all[0] ?? '') : all;
  }
  return fit(schema, values, 'query');
}

/** In a query, a list of one looks like a single text. */
export const query_list = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(z.string()).optional(),
);

const nodeQuery = z.strictObject({ node: node_choice });
const noQuery = z.strictObject({});

export function nodeIn(request: ControlRequest): string | undefined {
  return query(nodeQuery, request).node;
}

/** A handler for requests that take nothing. */
export function plain(work: () => Promise<unknown>): Handler {
  return (request) => {
    query(noQuery, request);
    return work();
  };
}
