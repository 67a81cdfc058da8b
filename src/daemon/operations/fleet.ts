import { type ReplicaContext, isConnected } from '../../actors/replica.js';
import { IcbdError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { ControlLink } from '../../core/link.js';
import type { Storage } from '../../storage/storage.js';
import type { NodeMethod, NodeParams } from '../node_requests.js';
import type { NodeChoice } from './operations.js';

/** The master's number among the nodes; replicas count from 1. */
export const master_number = '0';

export interface KnownReplica {
  readonly context: ReplicaContext;
  readonly state: string;
}

export interface FleetOptions {
  /** The master's name. */
  readonly name: string;
  readonly storage: Storage;
  /** Names of the replicas in the config; actors of others are history. */
  readonly configured: ReadonlySet<string>;
  /** @throws IcbdError `ReplicaOffline` */
  readonly linkTo: (node: string) => ControlLink;
  /** Told of every request that a replica has answered. */
  readonly onAsked?: (node: string, method: NodeMethod, params: unknown) => void;
}

/** The nodes as the master knows them. */
export class Fleet {
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** By number. */
  replicas(): KnownReplica[] {
    return this.#options.storage.actors
      .list({ kind: 'replica', limit: 100_000 })
      .map(({ snapshot, state }) => ({ context: snapshot.context as ReplicaContext, state }))
      .filter(({ context }) => this.#options.configured.has(context.name))
      .toSorted((a, b) => a.context.node_id - b.context.node_id);
  }

  isMaster(node: NodeChoice): boolean {
    return node === undefined || node === this.#options.name || node === master_number;
  }

  /** A replica by its name or number. @throws IcbdError `ReplicaNotFound` */
  find(text: string): KnownReplica {
    const known = this.replicas();
    const found =
      known.find(({ context }) => context.name === text) ??
      known.find(({ context }) => String(context.node_id) === text);
    if (found !== undefined) return found;
    const names = known.map(({ context: { name, node_id } }) => `${name} (${node_id})`);
    throw new IcbdError('ReplicaNotFound', `there is no replica ${text}`, {
      operation: 'find replica',
      subject: text,
      hint: `known are: ${names.join(', ') || 'none'}`,
    });
  }

  /** The same, without its state. @throws IcbdError `ReplicaNotFound` */
  resolve(text: string): ReplicaContext {
    return this.find(text).context;
  }

  /**
   * Names of the replicas that `to` means: names, numbers, or just `all`.
   * @throws IcbdError `ReplicaNotFound`
   */
  resolveAll(to: readonly string[]): string[] {
    const names = to.flatMap((text) =>
      text === 'all' ? this.replicas().map(({ context }) => context.name) : [this.resolve(text).name],
    );
    if (names.length > 0) return [...new Set(names)];
    throw new IcbdError('ReplicaNotFound', 'there are no replicas', {
      operation: 'find replica',
      subject: 'all',
      hint: "add [[replicas]] to the master's config",
    });
  }

  linkTo(node: string): ControlLink {
    return this.#options.linkTo(this.resolve(node).name);
  }

  /** Of all replicas that have one now, by their names. */
  links(): Map<string, ControlLink> {
    const links = new Map<string, ControlLink>();
    for (const { context, state } of this.replicas()) {
      if (!isConnected(state)) continue;
      try {
        links.set(context.name, this.#options.linkTo(context.name));
      } catch {
        // Lost a moment ago.
      }
    }
    return links;
  }

  /** Asks a replica. @throws IcbdError `ReplicaNotFound`, `ReplicaOffline`, `TimedOut`, what the replica throws */
  async ask<M extends NodeMethod>(node: string, method: M, params: NodeParams<M>): Promise<unknown> {
    const link = this.linkTo(node);
    const answer = await link.request({ method, params }, { timeout_ms: limits.request_ms });
    this.#options.onAsked?.(link.peer.node, method, params);
    return answer;
  }

  /** Does something on the master, or asks a replica to. */
  async on<T, M extends NodeMethod>(
    node: NodeChoice,
    method: M,
    params: NodeParams<M>,
    here: () => T | Promise<T>,
  ): Promise<T> {
    if (node === undefined || this.isMaster(node)) return here();
    return (await this.ask(node, method, params)) as T;
  }
}
