/** The dialling side: keeps one control link up, or one for names, and opens data links. */
import type { DataSession, DataSource, StreamPlace } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import type { ControlLink, LinkHandlers } from '../core/link.js';
import type { WsChannel } from './channel.js';
import { ControlSession } from './control_session.js';
import { WsDataSource } from './data_source.js';
import { dial, type DialOptions } from './dial.js';
import type { Handshaken } from './handshake.js';
import { requestsOnly } from './name_links.js';
import { checkSecret } from './proof.js';
import { Redialer, type RedialOptions } from './redial.js';
import type { TransportLog } from './transport_log.js';
import { watchWire, type Wire } from './wire.js';

export interface LinkClientOptions extends DialOptions {
  /** `ws://host:port` or `wss://host:port`; a function is asked before every attempt. */
  readonly url: string | (() => Promise<string>);
  /** What the link that is kept up is for; default `control`. On one for names there are requests only. */
  readonly purpose?: 'control' | 'names';
  readonly handlers: LinkHandlers;
  /** The server refused for a reason that retrying will hardly change; it is tried again at the slowest rate. */
  readonly onRefused?: (reason: IcbdError) => void;
  readonly log?: (entry: TransportLog) => void;
}

export interface LinkClient {
  /** The link that is kept up, if it is. */
  readonly link: ControlLink | undefined;
  start(): void;
  /** Ends that link, with `onDown`, and dials no more. Data links stay. */
  stop(): void;
  /**
   * Opens the data link of a session, and says from where the stream is wanted.
   * @throws IcbdError `LinkLost`, `TimedOut`, `AuthenticationFailed`, `ProtocolVersionMismatch`; `Cancelled` or
   *   the signal's own reason. A server that does not know the session says so through `blocks`.
   */
  openData(session: DataSession, options: OpenDataOptions): Promise<DataSource>;
}

export interface OpenDataOptions {
  /** `stream_start`, or what this side has and can prove. */
  readonly from: StreamPlace;
  /** Gives the attempt up; has no effect on a link that is open. */
  readonly signal?: AbortSignal;
}

type DialHooks = Parameters<RedialOptions['dial']>[0];

class WsLinkClient implements LinkClient {
  readonly #options: LinkClientOptions;
  readonly #handlers: LinkHandlers;
  readonly #kind: 'control' | 'names';
  readonly #redialer: Redialer;
  #session: ControlSession | undefined;
  #links_made = 0;

  constructor(options: LinkClientOptions) {
    this.#options = options;
    this.#kind = options.purpose ?? 'control';
    this.#handlers = this.#kind === 'names' ? requestsOnly(options.handlers) : options.handlers;
    this.#redialer = new Redialer({
      clock: options.clock,
      key: options.node,
      dial: (hooks) => this.#dial(hooks),
      onRefused: (reason) => options.onRefused?.(reason),
      log: (entry) => options.log?.(entry),
    });
  }

  get link(): ControlLink | undefined {
    return this.#session;
  }

  start(): void {
    this.#redialer.start();
  }

  stop(): void {
    const subject = this.#options.node;
    this.#redialer.stop(
      new IcbdError('Interrupted', 'the node stops', { operation: `${this.#kind} link`, subject }).toReport(),
    );
  }

  async openData(session: DataSession, { signal, from }: OpenDataOptions): Promise<DataSource> {
    const { transfer, attempt } = session;
    const subject = `${transfer} attempt ${String(attempt)}`;
    const cancelled = (): IcbdError =>
      signal?.reason instanceof IcbdError
        ? signal.reason
        : new IcbdError('Cancelled', 'the data link is not wanted any more', {
            operation: 'open data link',
            subject,
          });
    const url = await this.#resolveUrl();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(cancelled());
        return;
      }
      const onAbort = (): void => {
        giveUp();
        reject(cancelled());
      };
      const giveUp = dial(
        url,
        this.#options,
        { kind: 'data', transfer, attempt },
        {
          onDone: (wire, channel) => {
            signal?.removeEventListener('abort', onAbort);
            channel.release();
            resolve(new WsDataSource(wire, this.#options.clock, from));
          },
          onFailed: (reason) => {
            signal?.removeEventListener('abort', onAbort);
            reject(reason);
          },
        },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  async #resolveUrl(): Promise<string> {
    const { url } = this.#options;
    return typeof url === 'string' ? url : await url();
  }

  #dial(hooks: DialHooks): () => void {
    let giveUp: (() => void) | undefined;
    let is_wanted = true;
    const onFailed = (reason: IcbdError): void => {
      hooks.onEnded(reason);
    };
    const start = (url: string): void => {
      if (!is_wanted) return;
      const onDone = (wire: Wire, channel: WsChannel, result: Handshaken): void => {
        this.#open(hooks, wire, channel, result);
      };
      giveUp = dial(url, this.#options, { kind: this.#kind }, { onDone, onFailed });
    };
    this.#resolveUrl().then(start, (thrown: unknown) => {
      onFailed(IcbdError.from(thrown, 'find the master'));
    });
    return () => {
      is_wanted = false;
      giveUp?.();
    };
  }

  #open(hooks: DialHooks, wire: Wire, channel: WsChannel, { peer }: Handshaken): void {
    const { clock } = this.#options;
    this.#links_made += 1;
    const session = new ControlSession({
      channel,
      peer,
      session: `client-${String(this.#links_made)}`,
      handlers: this.#handlers,
      clock,
      onEnded: (_ended, reason) => {
        this.#session = undefined;
        hooks.onEnded(IcbdError.fromReport(reason));
      },
      onHandlerFailed: (reason) => {
        this.#options.log?.({ kind: 'handler_failed', error: reason.toReport() });
      },
    });
    watchWire(wire, clock, `${this.#kind} link`, (reason) => {
      channel.breakOff(reason);
    });
    this.#session = session;
    hooks.onUp(session);
    session.open();
  }
}

/** @throws IcbdError `InvalidConfig` for a secret that is too short */
export function createLinkClient(options: LinkClientOptions): LinkClient {
  checkSecret(options.secret, options.node);
  return new WsLinkClient(options);
}
