/** A name server at the other end of a link. */
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import type {
  NameFilter,
  NameRegistration,
  NameRemoval,
  NameRemovalReport,
  NameReport,
  NameServerReport,
  RemovedNameReport,
} from '../../core/name_report.js';
import type { NameCallOptions, NameRenewal, NameService, NameStateChange } from '../../core/name_service.js';

const time_ms = z.number();
const name_report = z.object({
  name: z.string(),
  address: z.string(),
  metadata: z.array(z.string()),
  owner: z.string(),
  lease_s: z.number().nullable(),
  registered_at_ms: time_ms,
  renewed_at_ms: time_ms,
  expires_at_ms: time_ms.nullable(),
  state: z.enum(['reachable', 'suspect', 'unreachable']),
  state_at_ms: time_ms,
  state_reason: z.string(),
});
const removed_name = z.object({
  name: z.string(),
  address: z.string(),
  owner: z.string(),
  removed_at_ms: time_ms,
  reason: z.string(),
});

/** What the answers look like. */
const answers = {
  'names.register': name_report,
  'names.renew': z.object({ renewed: z.array(z.string()) }),
  'names.lookup': name_report,
  'names.list': z.array(name_report),
  'names.remove': z.object({ removed: z.number(), names: z.array(z.string()) }),
  'names.metadata': name_report,
  'names.removed': z.array(removed_name),
  'names.ping': z.object({
    node: z.string(),
    address: z.string(),
    names: z.number(),
    started_at_ms: time_ms,
  }),
  'names.report': z.null(),
} as const;

type Method = keyof typeof answers;

/** Asks over one link, with the rights of this node; ends with the link: `LinkLost`. */
export class RemoteNames implements NameService {
  readonly #link: Pick<ControlLink, 'request' | 'peer'>;
  readonly #clock: Clock;

  constructor(link: Pick<ControlLink, 'request' | 'peer'>, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  register(registration: NameRegistration, options?: NameCallOptions): Promise<NameReport> {
    return this.#ask('names.register', registration, options);
  }

  renew(options?: NameCallOptions): Promise<NameRenewal> {
    return this.#ask('names.renew', {}, options);
  }

  lookup(name: string, options?: NameCallOptions): Promise<NameReport> {
    return this.#ask('names.lookup', { name }, options);
  }

  list(filter: NameFilter = {}, options?: NameCallOptions): Promise<NameReport[]> {
    return this.#ask('names.list', filter, options);
  }

  remove(removal: NameRemoval, options?: NameCallOptions): Promise<NameRemovalReport> {
    return this.#ask('names.remove', removal, options);
  }

  setMetadata(name: string, metadata: readonly string[], options?: NameCallOptions): Promise<NameReport> {
    return this.#ask('names.metadata', { name, metadata }, options);
  }

  removed(limit?: number, options?: NameCallOptions): Promise<RemovedNameReport[]> {
    return this.#ask('names.removed', limit === undefined ? {} : { limit }, options);
  }

  async ping(options?: NameCallOptions): Promise<NameServerReport> {
    const asked_at_ms = this.#clock.now();
    const said = await this.#ask('names.ping', {}, options);
    return { ...said, round_trip_ms: this.#clock.now() - asked_at_ms };
  }

  async report(change: NameStateChange, options?: NameCallOptions): Promise<void> {
    await this.#ask('names.report', change, options);
  }

  async #ask<M extends Method>(
    method: M,
    params: object,
    options: NameCallOptions = {},
  ): Promise<z.infer<(typeof answers)[M]>> {
    const { signal } = options;
    const answer = await this.#link.request({ method, params }, signal === undefined ? {} : { signal });
    const result = answers[method].safeParse(answer);
    if (result.success) return result.data as z.infer<(typeof answers)[M]>;
    throw new IcbdError('InvalidMessage', `${method}: ${z.prettifyError(result.error)}`, {
      operation: `request ${method}`,
      subject: this.#link.peer.node,
      hint: 'the name server is of another version',
    });
  }
}
