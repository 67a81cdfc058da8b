/** All that a replica has to do with names: where its master is, and its own registration. */
import { readFileSync } from 'node:fs';
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import { type NameService, nameOfReplica } from '../../core/name_service.js';
import { master_port, name_server_port } from '../config/parts.js';
import type { ReplicaConfig } from '../config/replica_config.js';
import { readSecret } from '../config/secret.js';
import type { NodeBase } from '../node_base.js';
import { node_version } from '../node_status.js';
import { system_clock } from '../system_clock.js';
import { FindMaster } from './find_master.js';
import { NameKeeper } from './name_keeper.js';
import { NameServerLink } from './name_server_link.js';
import { socketAddress } from './node_address.js';
import { RemoteNames } from './remote_names.js';

const names_at = (link: ControlLink): NameService => new RemoteNames(link, system_clock);

/**
 * The name server is asked over the control link where it is the master's, and over a link of its own where it is
 * another, or where the master is still looked for.
 */
export class ReplicaNames {
  readonly #finder: FindMaster;
  readonly #keeper: NameKeeper;
  /** To the name server that the config says or lets look for; undefined: only the master's is used. */
  readonly #server: NameServerLink | undefined;
  #control: ControlLink | undefined;
  /** The link over which the name server is used now. */
  #used: ControlLink | undefined;

  /** @param nodeId number that the master gave this node; null: none yet */
  constructor(base: NodeBase, config: ReplicaConfig, nodeId: () => number | null) {
    const { name: node, log } = base;
    const { names, master, control } = config;
    const address = names.address ?? socketAddress(control.socket);
    this.#keeper = new NameKeeper({
      node,
      registrations: () => [
        {
          name: nameOfReplica(node),
          address,
          metadata: [
            'role=replica',
            `node=${node}`,
            `version=${node_version}`,
            ...(nodeId() === null ? [] : [`id=${String(nodeId())}`]),
          ],
        },
      ],
      lease_s: names.lease_s,
      clock: system_clock,
      log,
    });
    this.#server = this.#makeServerLink(base, config);
    this.#finder = new FindMaster({
      url: master.url,
      wants_tls: master.tls_ca !== undefined,
      nameServer: () => (this.#server ?? noServer()).untilUp(),
      namesAt: names_at,
    });
  }

  /** Where the master is, as far as is known now; empty: not yet. */
  get known_master_url(): string {
    return this.#finder.known;
  }

  /** Where to dial the master; for the link client. @throws IcbdError what `FindMaster` says */
  masterUrl(): Promise<string> {
    return this.#finder.url();
  }

  /** The link to the master ended, or was not made: it may be elsewhere now. */
  masterLost(): void {
    this.#finder.forget();
  }

  /** The control link is up. */
  controlUp(link: ControlLink): void {
    this.#control = link;
    if (this.#server === undefined) this.#use(link);
    else if (this.#server.link !== undefined) this.#choose(this.#server.link);
  }

  controlDown(link: ControlLink): void {
    if (this.#control === link) this.#control = undefined;
    this.#leave(link);
    this.#server?.start();
  }

  /** What this node registers has changed. */
  refresh(): void {
    if (this.#used !== undefined) this.#keeper.attach(names_at(this.#used));
  }

  /** The name server, with the rights of this node. @throws IcbdError `LinkLost` while there is none */
  service(): NameService {
    if (this.#used !== undefined) return names_at(this.#used);
    throw new IcbdError('LinkLost', 'no name server is connected', {
      operation: 'name server',
      hint: 'ask the master, or look at the log of this node',
    });
  }

  start(): void {
    this.#server?.start();
  }

  stop(): void {
    this.#keeper.detach();
    this.#server?.stop();
  }

  #makeServerLink(base: NodeBase, { names, master }: ReplicaConfig): NameServerLink | undefined {
    const { server, discover, broadcast_address, broadcast_port } = names;
    if (server === undefined && !discover) return undefined;
    const { name: node, instance, capabilities, randomBytes, log } = base;
    const tls_ca = names.tls_ca ?? master.tls_ca;
    const near = { local_ports: [name_server_port, master_port], broadcast_address, broadcast_port };
    return new NameServerLink({
      identity: {
        node,
        instance,
        capabilities,
        clock: system_clock,
        randomBytes,
        secret: readSecret(names.secret_file ?? master.secret_file),
        tls_ca: tls_ca === undefined ? undefined : readFileSync(tls_ca),
      },
      where: discover ? { server, near } : { server },
      onUp: (link) => this.#choose(link),
      onDown: (link) => this.#leave(link),
      log,
    });
  }

  /** A link to the name server is up: it is not needed if the control link leads to the same daemon. */
  #choose(link: ControlLink): void {
    if (this.#control?.peer.instance !== link.peer.instance) return this.#use(link);
    this.#use(this.#control);
    this.#server?.stop();
  }

  #use(link: ControlLink): void {
    if (this.#used === link) return;
    this.#used = link;
    this.#keeper.attach(names_at(link));
  }

  #leave(link: ControlLink): void {
    if (this.#used !== link) return;
    this.#used = undefined;
    this.#keeper.detach();
  }
}

function noServer(): never {
  throw new IcbdError('InvalidConfig', 'nothing says where the master is', {
    operation: 'find master',
    hint: 'set master.url, names.server, or names.discover',
  });
}
