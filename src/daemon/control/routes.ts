/** The control API: which request calls which operation. */
import { z } from 'zod';
import { codec_names } from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import type { Operations } from '../operations.js';

export interface ControlRequest {
  readonly method: string;
  /** Decoded parts of the path after `/v1/`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined if the request had no body. */
  readonly body: unknown;
}

const codec = z.enum(codec_names);
const node = z.string().min(1).optional();

const imageAdd = z.strictObject({
  name: z.string(),
  source: z.string().optional(),
  codec: codec.optional(),
  create: z.boolean().optional(),
  node,
});
const snapshotCreate = z.strictObject({ number: z.string().optional(), node });
const leftoversBody = z.strictObject({ image: z.string(), names: z.array(z.string()).min(1).max(10_000) });
const verifyBody = z.strictObject({ node });
const sendBody = z.strictObject({
  image: z.string(),
  numbers: z.array(z.string()).min(1).max(10_000),
  to: z.array(z.string()).min(1).max(1_000),
  codec: codec.optional(),
});
const nodeQuery = z.strictObject({ node });
const transferQuery = z.strictObject({
  states: z.string().optional(),
  image: z.string().optional(),
  replica: z.string().optional(),
  since_ms: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
});
const noQuery = z.strictObject({});

function fit<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new IcbdError('InvalidArgument', `${what}: ${z.prettifyError(result.error).replaceAll('\n', ' ')}`, {
    operation: 'control',
    subject: what,
  });
}

function query<T>(schema: z.ZodType<T>, request: ControlRequest): T {
  return fit(schema, Object.fromEntries(request.query), 'query');
}

type Handler = (request: ControlRequest, names: readonly string[]) => Promise<unknown>;

/** `:name` in a path stands for any one part. */
function table(
  operations: Operations,
): readonly (readonly [method: string, path: string, handler: Handler])[] {
  return [
    ['GET', 'status', (request) => (query(noQuery, request), operations.status())],
    ['GET', 'doctor', (request) => (query(noQuery, request), operations.doctor())],
    [
      'POST',
      'doctor/remove',
      ({ body }) => {
        const { image, names } = fit(leftoversBody, body, 'leftovers');
        return operations.removeLeftovers(image, names);
      },
    ],
    ['GET', 'replicas', (request) => (query(noQuery, request), operations.replicas())],
    ['GET', 'images', (request) => operations.images(query(nodeQuery, request).node)],
    ['POST', 'images', ({ body }) => operations.addImage(fit(imageAdd, body, 'image'))],
    [
      'DELETE',
      'images/:image',
      (request, [image = '']) => operations.removeImage(image, query(nodeQuery, request).node),
    ],
    [
      'GET',
      'images/:image/snapshots',
      (request, [image = '']) => operations.snapshots(image, query(nodeQuery, request).node),
    ],
    [
      'POST',
      'images/:image/snapshots',
      ({ body }, [image = '']) => {
        const wanted = fit(snapshotCreate, body ?? {}, 'snapshot');
        return operations.createSnapshot(image, wanted.number, wanted.node);
      },
    ],
    [
      'DELETE',
      'images/:image/snapshots/:number',
      (request, [image = '', number = '']) =>
        operations.deleteSnapshot(image, number, query(nodeQuery, request).node),
    ],
    [
      'POST',
      'images/:image/snapshots/:number/verify',
      ({ body }, [image = '', number = '']) =>
        operations.verifySnapshot(image, number, fit(verifyBody, body ?? {}, 'verify').node),
    ],
    ['GET', 'verifications/:id', (_request, [id = '']) => operations.verification(id)],
    ['DELETE', 'verifications/:id', (_request, [id = '']) => operations.cancelVerification(id)],
    ['POST', 'transfers', ({ body }) => operations.send(fit(sendBody, body, 'send'))],
    [
      'GET',
      'transfers',
      (request) => {
        const { states, ...filter } = query(transferQuery, request);
        return operations.transfers(states === undefined ? filter : { ...filter, states: states.split(',') });
      },
    ],
    ['GET', 'transfers/:id', (_request, [id = '']) => operations.transfer(id)],
    ['GET', 'transfers/:id/history', (_request, [id = '']) => operations.history(id)],
    ['POST', 'transfers/:id/cancel', (_request, [id = '']) => operations.cancel(id)],
  ];
}

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
  const routes = table(operations);
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
