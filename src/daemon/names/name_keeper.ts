/** Keeps this node's registrations at a name server: whenever it can be reached, for as long as it can be. */
import { backoff_ms } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import { isLinkLoss } from '../../core/link_loss.js';
import type { NameRegistration } from '../../core/name_report.js';
import type { NameService, NameStateChange } from '../../core/name_service.js';

/** A lease is renewed so many times in its period. */
const renewals_per_lease = 3;

export interface NameKeeperLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface NameKeeperOptions {
  /** This node's name; spreads the renewals of many nodes. */
  readonly node: string;
  /** What it registers now, without leases. */
  readonly registrations: () => readonly Pick<NameRegistration, 'name' | 'address' | 'metadata'>[];
  readonly lease_s: number;
  readonly clock: Clock;
  readonly log: NameKeeperLog;
}

/** One time that a name server can be reached. */
interface Visit {
  readonly service: NameService;
  /** Names that it is known to hold. */
  readonly registered: Set<string>;
  /** What it is still to be told, the newest of each name. */
  readonly untold: Map<string, NameStateChange>;
  is_telling: boolean;
  readonly end: AbortController;
  cancel: () => void;
}

function first<T>(entries: ReadonlyMap<string, T>): T | undefined {
  const [value] = entries.values();
  return value;
}

/** Never throws: what fails is logged when it is news, and tried again. */
export class NameKeeper {
  readonly #options: NameKeeperOptions;
  readonly #states = new Map<string, NameStateChange>();
  #visit: Visit | undefined;
  #beats = 0;
  #last_failure = '';

  constructor(options: NameKeeperOptions) {
    this.#options = options;
  }

  /** A name server can be reached now; it takes the place of the one before. */
  attach(service: NameService): void {
    this.detach();
    const visit: Visit = {
      service,
      registered: new Set(),
      untold: new Map(this.#states),
      is_telling: false,
      end: new AbortController(),
      cancel: () => undefined,
    };
    this.#visit = visit;
    void this.#beat(visit);
  }

  /** It cannot be reached any more, or this node stops. The registrations lapse by themselves. */
  detach(): void {
    const visit = this.#visit;
    this.#visit = undefined;
    visit?.cancel();
    visit?.end.abort();
  }

  /** Passes on whether the node behind a name can be reached: now, and to every name server that comes. */
  reportState(change: NameStateChange): void {
    this.#states.set(change.name, change);
    const visit = this.#visit;
    if (visit === undefined) return;
    visit.untold.set(change.name, change);
    void this.#tellAll(visit);
  }

  #isOver(visit: Visit): boolean {
    return this.#visit !== visit;
  }

  async #beat(visit: Visit): Promise<void> {
    const { clock, node, lease_s } = this.#options;
    await this.#tryTo('register', visit, () => this.#keep(visit));
    if (this.#isOver(visit)) return;
    this.#beats += 1;
    const interval_ms = (lease_s * 1_000) / renewals_per_lease;
    const policy = { first_ms: interval_ms, factor: 1, max_ms: interval_ms };
    visit.cancel = clock.after(backoff_ms(this.#beats, node, policy), () => void this.#beat(visit));
    await this.#tellAll(visit);
  }

  /** Renews, and registers what is not there, or not any more. */
  async #keep({ service, registered, end: { signal } }: Visit): Promise<void> {
    const { registrations, lease_s, log } = this.#options;
    if (registered.size > 0) {
      const { renewed } = await service.renew({ signal });
      signal.throwIfAborted();
      for (const name of registered) {
        if (renewed.includes(name)) continue;
        registered.delete(name);
        log.warn({ name }, 'the name server has lost a registration: it is made again');
      }
    }
    for (const registration of registrations()) {
      if (registered.has(registration.name)) continue;
      await service.register({ ...registration, lease_s }, { signal });
      signal.throwIfAborted();
      registered.add(registration.name);
      log.info({ name: registration.name, address: registration.address }, 'registered');
    }
  }

  /** One after the other, in one go at a time; what fails is told with the next renewal. */
  async #tellAll(visit: Visit): Promise<void> {
    if (visit.is_telling) return;
    visit.is_telling = true;
    await this.#tryTo('report states', visit, async () => {
      for (let next = first(visit.untold); next !== undefined; next = first(visit.untold)) {
        await visit.service.report(next, { signal: visit.end.signal });
        visit.end.signal.throwIfAborted();
        // A newer one may have come meanwhile.
        if (visit.untold.get(next.name) === next) visit.untold.delete(next.name);
      }
    });
    visit.is_telling = false;
  }

  async #tryTo(what: string, visit: Visit, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      if (what === 'register') this.#last_failure = '';
    } catch (thrown) {
      // Whoever owns the link says that it is lost, and takes it away.
      if (this.#isOver(visit) || isLinkLoss(thrown)) return;
      const error = IcbdError.from(thrown, what);
      const failure = `${error.code} ${error.message}`;
      if (failure === this.#last_failure) return;
      this.#last_failure = failure;
      this.#options.log.warn({ error: error.toReport() }, `names: cannot ${what}; tries again`);
    }
  }
}
