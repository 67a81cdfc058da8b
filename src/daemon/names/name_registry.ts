import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type {
  NameFilter,
  NameRegistration,
  NameRemoval,
  NameRemovalReport,
  NameReport,
  NameServerReport,
  RemovedNameReport,
} from '../../core/name_report.js';
import {
  type NameCaller,
  type NameRenewal,
  type NameService,
  type NameStateChange,
  name_of_name_server,
} from '../../core/name_service.js';
import type { Storage } from '../../storage/storage.js';
import { readFilter, readRemoval } from './name_filter.js';
import {
  assertMayChange,
  assertMayRegister,
  checkAddress,
  checkLease,
  checkMetadata,
  checkName,
  mayChange,
  ownerOf,
} from './name_rules.js';

/** Names that one node may own: more is a fault of it, and must not fill the disk. */
export const names_per_node_max = 10_000;
/** Registrations that are gone and still told of. */
export const removed_names_max = 10_000;
const removed_names_default = 100;

const operation = 'name server';

export interface NameRegistryOptions {
  readonly storage: Pick<Storage, 'names' | 'transaction' | 'quickTransaction'>;
  readonly clock: Clock;
  /** The node that keeps the names. */
  readonly node: string;
  /** A name whose node could not be reached, and did not renew, for so long is removed. */
  readonly unreachable_s: number;
}

/**
 * The name server: registrations in the state database, and who may do what with them.
 * What a method changes, it changes in one transaction that is on disk when it returns. Renewals are not waited for: a
 * new start gives every lease a full period anyway.
 * Its methods throw what `NameService` says.
 */
export class NameRegistry {
  readonly #storage: NameRegistryOptions['storage'];
  readonly #clock: Clock;
  readonly #node: string;
  readonly #unreachable_ms: number;
  readonly #started_at_ms: number;
  #address = '';

  constructor({ storage, clock, node, unreachable_s }: NameRegistryOptions) {
    this.#storage = storage;
    this.#clock = clock;
    this.#node = node;
    this.#unreachable_ms = unreachable_s * 1_000;
    this.#started_at_ms = clock.now();
  }

  /**
   * Begins to serve, once for each start: makes its own entry, and gives every lease a full period, since nobody could
   * renew while it was down.
   * @param address where this name server can be reached
   */
  open(address: string): void {
    checkAddress(address);
    const now_ms = this.#clock.now();
    this.#address = address;
    this.#storage.transaction(() => {
      this.#storage.names.extendAll(now_ms);
      this.#storage.names.save({
        name: name_of_name_server,
        address,
        metadata: [],
        owner: this.#node,
        lease_s: null,
        registered_at_ms: now_ms,
        renewed_at_ms: now_ms,
        expires_at_ms: null,
        state: 'reachable',
        state_at_ms: now_ms,
        state_reason: '',
      });
    });
  }

  /** The name server as `caller` may use it. */
  as(caller: NameCaller): NameService {
    return {
      register: async (registration) => this.register(caller, registration),
      renew: async () => this.renew(caller),
      lookup: async (name) => this.lookup(name),
      list: async (filter) => this.list(filter),
      remove: async (removal) => this.remove(caller, removal),
      setMetadata: async (name, metadata) => this.setMetadata(caller, name, metadata),
      removed: async (limit) => this.removed(limit),
      ping: async () => this.ping(),
      report: async (change) => this.report(caller, change),
    };
  }

  register(caller: NameCaller, registration: NameRegistration): NameReport {
    const { name, address, lease_s = null, safe = false } = registration;
    checkName(name);
    checkAddress(address);
    checkLease(lease_s);
    const now_ms = this.#clock.now();
    const report: NameReport = {
      name,
      address,
      metadata: checkMetadata(registration.metadata ?? []),
      owner: ownerOf(caller),
      lease_s,
      registered_at_ms: now_ms,
      renewed_at_ms: now_ms,
      expires_at_ms: lease_s === null ? null : now_ms + lease_s * 1_000,
      state: 'reachable',
      state_at_ms: now_ms,
      state_reason: '',
    };
    return this.#storage.transaction(() => {
      const known = this.#storage.names.get(name);
      if (safe && known !== undefined) throw taken(known);
      assertMayRegister(caller, name);
      if (known === undefined) this.#assertRoom(caller);
      else assertMayChange(caller, known);
      this.#storage.names.save(report);
      return report;
    });
  }

  renew(caller: NameCaller): NameRenewal {
    const renew = (): string[] => this.#storage.names.renew(ownerOf(caller), this.#clock.now());
    return { renewed: this.#storage.quickTransaction(renew) };
  }

  lookup(name: string): NameReport {
    checkName(name);
    const report = this.#storage.names.get(name);
    if (report === undefined) throw notFound(name);
    return report;
  }

  list(filter: NameFilter = {}): NameReport[] {
    const { prefix, matches, hasMetadata } = readFilter(filter, this.#clock);
    return this.#storage.names.withPrefix(prefix, matches).filter(hasMetadata);
  }

  remove(caller: NameCaller, removal: NameRemoval): NameRemovalReport {
    const choice = readRemoval(removal, this.#clock);
    const reason = caller.role === 'operator' ? 'removed by an operator' : `removed by ${caller.node}`;
    return this.#storage.transaction(() => {
      const reports = this.#chosen(caller, choice);
      for (const report of reports) this.#forget(report, reason);
      return { removed: reports.length, names: reports.map(({ name }) => name) };
    });
  }

  setMetadata(caller: NameCaller, name: string, words: readonly string[]): NameReport {
    const metadata = checkMetadata(words);
    return this.#storage.transaction(() => {
      const known = this.lookup(name);
      assertMayChange(caller, known);
      const report = { ...known, metadata };
      this.#storage.names.save(report);
      return report;
    });
  }

  removed(limit: number = removed_names_default): RemovedNameReport[] {
    return this.#storage.names.removed(Math.min(limit, removed_names_max));
  }

  ping(): NameServerReport {
    return {
      node: this.#node,
      address: this.#address,
      names: this.#storage.names.count(),
      started_at_ms: this.#started_at_ms,
      round_trip_ms: 0,
    };
  }

  report(caller: NameCaller, { name, state, reason }: NameStateChange): void {
    if (caller.role === 'replica') {
      throw new IcbdError('NotPermitted', `${caller.node} may not say whether others can be reached`, {
        operation,
        subject: name,
        hint: 'masters do, for their replicas',
      });
    }
    const known = this.#storage.names.get(name);
    const state_reason = state === 'reachable' ? '' : reason;
    if (known === undefined || name === name_of_name_server) return;
    if (known.state === state && known.state_reason === state_reason) return;
    const state_at_ms = known.state === state ? known.state_at_ms : this.#clock.now();
    this.#storage.transaction(() => this.#storage.names.save({ ...known, state, state_at_ms, state_reason }));
  }

  /** Removes what lapsed, and what could not be reached for too long. */
  clean(): RemovedNameReport[] {
    const { names } = this.#storage;
    const now_ms = this.#clock.now();
    const before_ms = now_ms - this.#unreachable_ms;
    const lapsed = names.lapsed(now_ms);
    const leased = new Set(lapsed.map(({ name }) => name));
    // While it was down, nobody could tell it that a name can be reached again.
    const unreachable = before_ms < this.#started_at_ms ? [] : names.unreachable(before_ms);
    const others = unreachable.filter(({ name }) => !leased.has(name));
    if (lapsed.length === 0 && others.length === 0) return [];
    return this.#storage.transaction(() => [
      ...lapsed.map((report) => this.#forget(report, lapsedReason(report))),
      ...others.map((report) => this.#forget(report, unreachableReason(report, now_ms))),
    ]);
  }

  #chosen(caller: NameCaller, choice: ReturnType<typeof readRemoval>): NameReport[] {
    if (typeof choice !== 'string') {
      const { prefix, matches } = choice;
      return this.#storage.names.withPrefix(prefix, matches).filter((report) => mayChange(caller, report));
    }
    const report = this.lookup(choice);
    assertMayChange(caller, report);
    return [report];
  }

  #assertRoom(caller: NameCaller): void {
    if (caller.role === 'operator') return;
    if (this.#storage.names.countOf(ownerOf(caller)) < names_per_node_max) return;
    throw new IcbdError('NotAllowedNow', `${caller.node} has ${names_per_node_max} names already`, {
      operation,
      subject: caller.node,
      hint: 'remove some of them first',
    });
  }

  #forget({ name, address, owner }: NameReport, reason: string): RemovedNameReport {
    const removed = { name, address, owner, removed_at_ms: this.#clock.now(), reason };
    this.#storage.names.delete(name);
    this.#storage.names.addRemoved(removed, removed_names_max);
    return removed;
  }
}

function lapsedReason({ lease_s, state, state_reason }: NameReport): string {
  const why = state === 'reachable' || state_reason === '' ? '' : `; ${state_reason}`;
  return `its lease of ${lease_s} s was not renewed${why}`;
}

function unreachableReason({ state_at_ms, state_reason }: NameReport, now_ms: number): string {
  const since_s = Math.round((now_ms - state_at_ms) / 1_000);
  return `could not be reached for ${since_s} s${state_reason === '' ? '' : `: ${state_reason}`}`;
}

function notFound(name: string): IcbdError {
  return new IcbdError('NameNotFound', `there is no name ${name}`, {
    operation,
    subject: name,
    hint: 'icbdrep ns list shows those there are, and icbdrep ns list --removed those that are gone',
  });
}

function taken({ name, owner, address }: NameReport): IcbdError {
  return new IcbdError('NameAlreadyRegistered', `${name} is registered already, by ${owner} for ${address}`, {
    operation,
    subject: name,
    hint: 'remove it first, or register without safe if it is yours',
  });
}
