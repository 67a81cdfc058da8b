/** All that a master has to do with names: its own name server, one elsewhere, and what it tells them. */
import { readFileSync } from 'node:fs';
import type { ReplicaContext } from '../../actors/replica.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink, Request } from '../../core/link.js';
import type { NameState } from '../../core/name_report.js';
import { type NameService, name_of_master, nameOfReplica } from '../../core/name_service.js';
import type { Commit } from '../../runtime/ports.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { NamesOptions } from '../../transport/link_server.js';
import type { MasterConfig } from '../config/master_config.js';
import { readSecret } from '../config/secret.js';
import type { NodeBase } from '../node_base.js';
import { node_version } from '../node_status.js';
import { system_clock } from '../system_clock.js';
import { NameKeeper } from './name_keeper.js';
import { NameServerCore, type NameServerListen } from './name_server_core.js';
import { NameServerLink } from './name_server_link.js';
import { isNameMethod } from './name_requests.js';
import { linkAddress } from './node_address.js';
import { RemoteNames } from './remote_names.js';

const name_states: Readonly<Record<string, NameState>> = { offline: 'unreachable', suspect: 'suspect' };

function notServed(subject: string): IcbdError {
  return new IcbdError('NotPermitted', 'this master keeps no names', {
    operation: 'name server',
    subject,
    hint: 'set names.serve in its config, or names.server in that of the node that asks',
  });
}

export class MasterNames {
  readonly #base: NodeBase;
  readonly #config: MasterConfig;
  readonly #own: NameServerCore | undefined;
  readonly #keepers: NameKeeper[] = [];
  /** State of each replica's actor as it was told last. */
  readonly #told = new Map<string, string>();
  #elsewhere: NameServerLink | undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(base: NodeBase, config: MasterConfig) {
    this.#base = base;
    this.#config = config;
    if (config.names.serve) this.#own = new NameServerCore(base, config.names, () => 'replica');
  }

  /** For the link server. */
  get link_options(): { readonly names?: NamesOptions } {
    return this.#own === undefined ? {} : { names: this.#own.link_options };
  }

  /** Answers what a replica asks over its control link; undefined: it is nothing about names. */
  answer(link: ControlLink, request: Request): Promise<unknown> | undefined {
    if (!isNameMethod(request.method)) return undefined;
    if (this.#own === undefined) return Promise.reject(notServed(link.peer.node));
    return this.#own.answer(link, request);
  }

  /**
   * The name server as operators of this master use it: its own with all rights, or the one elsewhere with the
   * master's.
   * @throws IcbdError `LinkLost` while there is none, `NotPermitted`
   */
  service(): NameService {
    if (this.#own !== undefined) return this.#own.as({ node: this.#base.name, role: 'operator' });
    if (this.#elsewhere === undefined) throw notServed(this.#base.name);
    const { link } = this.#elsewhere;
    if (link !== undefined) return new RemoteNames(link, system_clock);
    throw new IcbdError('LinkLost', 'the name server is not connected', {
      operation: 'name server',
      subject: this.#config.names.server ?? '',
      hint: 'is it up? the log of the master says why it is not reached',
    });
  }

  /**
   * Begins to serve and to register; call it before the runtime starts, so that no change of a replica is missed.
   * @param port of the link server
   * @throws IcbdError `InvalidConfig` for a secret that cannot be read
   */
  open(runtime: Runtime, port: number): void {
    const { names } = this.#config;
    const address = names.address ?? linkAddress(this.#listen(port));
    if (this.#own !== undefined) {
      this.#own.open(address);
      this.#addKeeper(address).attach(this.#own.as({ node: this.#base.name, role: 'master' }));
    }
    if (names.server !== undefined) this.#elsewhere = this.#registerElsewhere(address, names.server);
    const { actors } = this.#base.storage;
    for (const { id } of actors.list({ kind: 'replica', limit: 100_000 })) this.#tell(id);
    this.#unsubscribe = runtime.subscribe((commit) => this.#hear(commit));
  }

  /** Lets itself be found by broadcast, if the config says so. @throws IcbdError `InvalidConfig` */
  async answerBroadcasts(port: number): Promise<void> {
    await this.#own?.answerBroadcasts(this.#listen(port));
  }

  close(): void {
    this.#unsubscribe();
    this.#elsewhere?.stop();
    for (const keeper of this.#keepers) keeper.detach();
    this.#own?.close();
  }

  #listen(port: number): NameServerListen {
    const { host, tls_cert } = this.#config.listen;
    return { host, port, has_tls: tls_cert !== undefined };
  }

  #addKeeper(address: string): NameKeeper {
    const { name: node, log } = this.#base;
    const metadata = ['role=master', `node=${node}`, `version=${node_version}`];
    const keeper = new NameKeeper({
      node,
      registrations: () => [{ name: name_of_master, address, metadata }],
      lease_s: this.#config.names.lease_s,
      clock: system_clock,
      log,
    });
    this.#keepers.push(keeper);
    return keeper;
  }

  #registerElsewhere(address: string, server: string): NameServerLink {
    const { name: node, instance, capabilities, randomBytes, log } = this.#base;
    const { secret_file = '', tls_ca } = this.#config.names;
    const keeper = this.#addKeeper(address);
    const link = new NameServerLink({
      identity: {
        node,
        instance,
        capabilities,
        clock: system_clock,
        randomBytes,
        secret: readSecret(secret_file),
        tls_ca: tls_ca === undefined ? undefined : readFileSync(tls_ca),
      },
      where: { server },
      onUp: (up) => keeper.attach(new RemoteNames(up, system_clock)),
      onDown: () => keeper.detach(),
      log,
    });
    link.start();
    return link;
  }

  #hear({ events }: Commit): void {
    for (const { kind, id, state } of events) {
      if (kind === 'replica' && this.#told.get(id) !== state) this.#tell(id);
    }
  }

  #tell(id: string): void {
    const record = this.#base.storage.actors.load({ kind: 'replica', id });
    if (record === undefined) return;
    this.#told.set(id, record.state);
    const { name, reason } = record.snapshot.context as ReplicaContext;
    const state = name_states[record.state] ?? 'reachable';
    for (const keeper of this.#keepers) keeper.reportState({ name: nameOfReplica(name), state, reason });
  }
}
