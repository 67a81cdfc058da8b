/** The name server as the rest of a node sees it. */
import type {
  NameFilter,
  NameRegistration,
  NameRemoval,
  NameRemovalReport,
  NameReport,
  NameServerReport,
  NameState,
  RemovedNameReport,
} from './name_report.js';

/** The name server's own entry: in every list, never overwritten and never removed. */
export const name_of_name_server = 'icbdrep.nameserver';
export const name_of_master = 'icbdrep.master';
/** What stands before a replica's name. */
export const replica_name_prefix = 'icbdrep.replica.';

/** The name under which a replica registers. */
export function nameOfReplica(replica: string): string {
  return `${replica_name_prefix}${replica}`;
}

/** Who asks a name server: an authenticated node, or an operator at the daemon's own socket. */
export interface NameCaller {
  readonly node: string;
  readonly role: 'master' | 'replica' | 'operator';
}

/** What a master found out about a name. */
export interface NameStateChange {
  readonly name: string;
  readonly state: NameState;
  /** Why it is not reachable; empty if it is. */
  readonly reason: string;
}

export interface NameRenewal {
  /** Names of the caller that have a lease, sorted: all of them are renewed. */
  readonly renewed: readonly string[];
}

export interface NameCallOptions {
  /** Gives the call up: it rejects with `Cancelled`, or the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A name server, as one caller may use it. Every change but a renewal is durable when its promise is fulfilled.
 * All throw IcbdError `InvalidArgument` for what is no name, address, metadata or filter, and what links throw
 * where the name server is elsewhere.
 */
export interface NameService {
  /**
   * Sets all of a registration; one of the same owner is replaced.
   * @throws IcbdError `NameAlreadyRegistered` with `safe`, if the name is taken by anybody; `NotPermitted` for a name
   *   of somebody else, or one that is kept for another node
   */
  register(registration: NameRegistration, options?: NameCallOptions): Promise<NameReport>;
  /** Starts a new period for every lease of the caller. */
  renew(options?: NameCallOptions): Promise<NameRenewal>;
  /** @throws IcbdError `NameNotFound` */
  lookup(name: string, options?: NameCallOptions): Promise<NameReport>;
  /** Sorted by name, in the order of their bytes. */
  list(filter?: NameFilter, options?: NameCallOptions): Promise<NameReport[]>;
  /**
   * By prefix or expression: removes those that the caller may remove, none is fine.
   * @throws IcbdError `NameNotFound` and `NotPermitted`, for one that is named
   */
  remove(removal: NameRemoval, options?: NameCallOptions): Promise<NameRemovalReport>;
  /**
   * Replaces all of a name's metadata.
   * @throws IcbdError `NameNotFound`, `NotPermitted`
   */
  setMetadata(name: string, metadata: readonly string[], options?: NameCallOptions): Promise<NameReport>;
  /**
   * What is gone, the newest first.
   * @param limit at most so many; default: 100
   */
  removed(limit?: number, options?: NameCallOptions): Promise<RemovedNameReport[]>;
  /** `round_trip_ms` is measured by who asks over a link; 0 in the daemon that keeps the names. */
  ping(options?: NameCallOptions): Promise<NameServerReport>;
  /**
   * For masters and operators: whether the node behind a name can be reached. A name that is not registered, or not
   * any more, is ignored.
   * @throws IcbdError `NotPermitted`
   */
  report(change: NameStateChange, options?: NameCallOptions): Promise<void>;
}
