/** A name server at work: in a master, or in a daemon of its own. */
import type { ControlLink, Request } from '../../core/link.js';
import type { NameCaller, NameService } from '../../core/name_service.js';
import { type Responder, isLoopback, startResponder } from '../../transport/discovery_responder.js';
import type { NamesOptions } from '../../transport/link_server.js';
import type { StateBase } from '../node_base.js';
import { system_clock } from '../system_clock.js';
import { startAutoClean } from './auto_clean.js';
import { NameRegistry } from './name_registry.js';
import { answerNameRequest } from './name_requests.js';

/** Section `names` of the config. */
export interface NameServing {
  readonly broadcast: boolean;
  readonly broadcast_port: number;
  readonly auto_clean_s: number;
  readonly unreachable_s: number;
}

/** Where its links are listened for. */
export interface NameServerListen {
  readonly host: string;
  readonly port: number;
  readonly has_tls: boolean;
}

export class NameServerCore {
  readonly #base: StateBase;
  readonly #serving: NameServing;
  readonly #registry: NameRegistry;
  readonly #roleOf: (node: string) => NameCaller['role'];
  #endAutoClean: () => void = () => undefined;
  #responder: Responder | undefined;

  /** @param roleOf role of a node that has proven its name */
  constructor(base: StateBase, serving: NameServing, roleOf: (node: string) => NameCaller['role']) {
    this.#base = base;
    this.#serving = serving;
    this.#roleOf = roleOf;
    const { storage, name: node } = base;
    const { unreachable_s } = serving;
    this.#registry = new NameRegistry({ storage, clock: system_clock, node, unreachable_s });
  }

  /** For the link server. */
  get link_options(): NamesOptions {
    return { onRequest: (link, request) => this.answer(link, request) };
  }

  /** Answers what came over an authenticated link. */
  async answer(link: ControlLink, request: Request): Promise<unknown> {
    const { node } = link.peer;
    return answerNameRequest(this.#registry, { node, role: this.#roleOf(node) }, request);
  }

  as(caller: NameCaller): NameService {
    return this.#registry.as(caller);
  }

  /** Begins to serve: its own entry, and auto-clean. @param address where others reach it */
  open(address: string): void {
    const { log } = this.#base;
    const { auto_clean_s } = this.#serving;
    this.#registry.open(address);
    this.#endAutoClean = startAutoClean({
      registry: this.#registry,
      clock: system_clock,
      interval_s: auto_clean_s,
      onRemoved: ({ name, owner, reason }) => log.warn({ name, owner, reason }, 'registration removed'),
      onFailed: (error) => log.error({ error: error.toReport() }, 'auto-clean of names failed'),
    });
  }

  /**
   * Lets itself be found, if the config wants that and others could reach it.
   * @throws IcbdError `InvalidConfig` if the broadcast port cannot be listened on
   */
  async answerBroadcasts({ host, port, has_tls }: NameServerListen): Promise<void> {
    if (!this.#serving.broadcast) return;
    const { log, name: node } = this.#base;
    if (isLoopback(host)) {
      log.warn({ host }, 'broadcasts are not answered: the links are on loopback, where nobody else gets');
      return;
    }
    this.#responder = await startResponder({
      port: this.#serving.broadcast_port,
      link_host: host,
      link_port: port,
      node,
      tls: has_tls,
      clock: system_clock,
      onError: (error) => log.warn({ error: error.toReport() }, 'a broadcast could not be answered'),
    });
    log.info({ udp_port: this.#responder.port }, 'answers broadcasts that look for a name server');
  }

  close(): void {
    this.#endAutoClean();
    this.#responder?.close();
  }
}
