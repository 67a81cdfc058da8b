import type {
  NameFilter,
  NameRegistration,
  NameRemoval,
  NameRemovalReport,
  NameReport,
  NameServerReport,
  RemovedNameReport,
} from '../core/name_report.js';
import { type CallOptions, type ControlConnection, part } from './connection.js';

/**
 * The name server: that of the daemon which is asked, with the rights of an operator, or the one that it has a link to,
 * with the rights of its node.
 */
export class NamesClient {
  readonly #connection: ControlConnection;

  constructor(connection: ControlConnection) {
    this.#connection = connection;
  }

  /** Sorted by name; without a filter all. Lists of metadata that are empty ask for nothing. */
  list(filter: NameFilter = {}, { signal }: CallOptions = {}): Promise<NameReport[]> {
    return this.#connection.call('GET', 'names', { query: { ...filter }, signal });
  }

  /** Throws IcbdError `NameNotFound`. */
  lookup(name: string, { signal }: CallOptions = {}): Promise<NameReport> {
    return this.#connection.call('GET', `names/${part(name)}`, { signal });
  }

  /** Throws IcbdError `NameAlreadyRegistered` with `safe`, `NotPermitted` for a name of somebody else. */
  register(registration: NameRegistration, { signal }: CallOptions = {}): Promise<NameReport> {
    return this.#connection.call('POST', 'names', { body: registration, signal });
  }

  /** By name, by prefix or by expression; the name server's own entry stays. */
  remove(removal: NameRemoval, { signal }: CallOptions = {}): Promise<NameRemovalReport> {
    return this.#connection.call('DELETE', 'names', { query: { ...removal }, signal });
  }

  /** Replaces all of a name's metadata. */
  setMetadata(name: string, metadata: readonly string[], { signal }: CallOptions = {}): Promise<NameReport> {
    return this.#connection.call('POST', `names/${part(name)}/metadata`, { body: { metadata }, signal });
  }

  /**
   * Registrations that are gone, with the reason, the newest first.
   * @param limit at most so many; default: 100
   */
  removed(limit?: number, { signal }: CallOptions = {}): Promise<RemovedNameReport[]> {
    return this.#connection.call('GET', 'names-removed', { query: { limit }, signal });
  }

  /** Whether the name server answers; `round_trip_ms` is from the daemon to it. */
  ping({ signal }: CallOptions = {}): Promise<NameServerReport> {
    return this.#connection.call('GET', 'name-server', { signal });
  }
}
