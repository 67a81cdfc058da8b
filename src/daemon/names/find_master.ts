/** Where a replica's master is. */
import { IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import { name_of_master, type NameService } from '../../core/name_service.js';

const operation = 'find master';

export interface FindMasterOptions {
  /** Address in the config; then nobody is asked. */
  readonly url?: string | undefined;
  /** This node has an authority to check the master's certificate with. */
  readonly wants_tls: boolean;
  /** The link to the name server. @throws IcbdError `LinkLost` that says where it was looked for */
  readonly nameServer: () => Promise<ControlLink>;
  readonly namesAt: (link: ControlLink) => Pick<NameService, 'lookup'>;
}

function assertDialled(address: string, wants_tls: boolean): void {
  const is_link = /^wss?:\/\/[^/]+\/?$/.test(address) && URL.canParse(address);
  if (is_link && (!wants_tls || address.startsWith('wss:'))) return;
  const what = is_link
    ? 'without TLS, and master.tls_ca is set'
    : 'which is not the address of a link server';
  throw new IcbdError('InvalidConfig', `the name server says that the master is at ${address}, ${what}`, {
    operation,
    subject: address,
    hint: "set names.address in the master's config to the ws:// or wss:// address that replicas dial",
    retryable: true,
  });
}

/** Asks the name server, and keeps the answer until it is told to forget it. */
export class FindMaster {
  readonly #options: FindMasterOptions;
  #known: string | undefined;

  constructor(options: FindMasterOptions) {
    this.#options = options;
    this.#known = options.url;
  }

  /** As far as is known now; empty: not yet. */
  get known(): string {
    return this.#known ?? '';
  }

  /**
   * For the links of this node.
   * @throws IcbdError `LinkLost` if no name server is found, `NameNotFound` if it knows no master, `InvalidConfig`
   *   for an address that cannot be dialled
   */
  async url(): Promise<string> {
    this.#known ??= await this.#ask();
    return this.#known;
  }

  /** The master does not answer where it was said to be. */
  forget(): void {
    this.#known = this.#options.url;
  }

  async #ask(): Promise<string> {
    const link = await this.#options.nameServer();
    const { address } = await this.#options
      .namesAt(link)
      .lookup(name_of_master)
      .catch((thrown: unknown) => {
        throw this.#explain(thrown, link.peer.node);
      });
    assertDialled(address, this.#options.wants_tls);
    return address;
  }

  #explain(thrown: unknown, name_server: string): unknown {
    if (!(thrown instanceof IcbdError) || thrown.code !== 'NameNotFound') return thrown;
    return new IcbdError('NameNotFound', `the name server ${name_server} knows no master`, {
      operation,
      subject: name_of_master,
      hint: 'is the master up, and is names.server of its config this name server?',
      retryable: true,
      cause: thrown,
    });
  }
}
