/** What nodes ask a name server over an authenticated link. */
import { z } from 'zod';
import { IcbdError } from '../../core/errors.js';
import type { Request } from '../../core/link.js';
import type { NameCaller } from '../../core/name_service.js';
import type { NameRegistry } from './name_registry.js';

const words = z.array(z.string()).max(1_000);

/** Shapes only: what names, addresses and expressions may be, the registry says. */
const schemas = {
  'names.register': z.strictObject({
    name: z.string(),
    address: z.string(),
    metadata: words.optional(),
    lease_s: z.number().nullable().optional(),
    safe: z.boolean().optional(),
  }),
  'names.renew': z.strictObject({}),
  'names.lookup': z.strictObject({ name: z.string() }),
  'names.list': z.strictObject({
    prefix: z.string().optional(),
    regex: z.string().optional(),
    metadata_all: words.optional(),
    metadata_any: words.optional(),
  }),
  'names.remove': z.strictObject({
    name: z.string().optional(),
    prefix: z.string().optional(),
    regex: z.string().optional(),
  }),
  'names.metadata': z.strictObject({ name: z.string(), metadata: words }),
  'names.removed': z.strictObject({ limit: z.int().min(1).optional() }),
  'names.ping': z.strictObject({}),
  'names.report': z.strictObject({
    name: z.string(),
    state: z.enum(['reachable', 'suspect', 'unreachable']),
    reason: z.string().max(2_048),
  }),
} as const;

export type NameMethod = keyof typeof schemas;
/** What a request has to carry. */
export type NameParams<M extends NameMethod> = z.infer<(typeof schemas)[M]>;

/** Whether a request is for the name server. */
export function isNameMethod(method: string): method is NameMethod {
  return Object.hasOwn(schemas, method);
}

function parse<M extends NameMethod>(method: M, params: unknown): NameParams<M> {
  const result = schemas[method].safeParse(params);
  if (result.success) return result.data as NameParams<M>;
  throw new IcbdError('InvalidMessage', `${method}: ${z.prettifyError(result.error)}`, {
    operation: 'answer request',
    subject: method,
  });
}

/**
 * Answers one request, with the rights of the caller.
 * @throws IcbdError `InvalidMessage` for what is no request, and what `NameService` says
 */
export async function answerNameRequest(
  registry: NameRegistry,
  caller: NameCaller,
  { method, params }: Request,
): Promise<unknown> {
  switch (method) {
    case 'names.register':
      return registry.register(caller, parse(method, params));
    case 'names.renew':
      parse(method, params ?? {});
      return registry.renew(caller);
    case 'names.lookup':
      return registry.lookup(parse(method, params).name);
    case 'names.list':
      return registry.list(parse(method, params ?? {}));
    case 'names.remove':
      return registry.remove(caller, parse(method, params));
    case 'names.metadata': {
      const { name, metadata } = parse(method, params);
      return registry.setMetadata(caller, name, metadata);
    }
    case 'names.removed':
      return registry.removed(parse(method, params ?? {}).limit);
    case 'names.ping': {
      parse(method, params ?? {});
      const { node, address, names, started_at_ms } = registry.ping();
      return { node, address, names, started_at_ms };
    }
    case 'names.report':
      registry.report(caller, parse(method, params));
      return null;
    default:
      throw new IcbdError('InvalidMessage', `a name server knows no request ${method}`, {
        operation: 'answer request',
        subject: method,
      });
  }
}
