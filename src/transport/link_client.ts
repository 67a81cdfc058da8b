/** The dialling side: keeps one control link up, or one for names, and opens data links. */
import type { DataSession, DataSource, StreamPlace } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import type { ControlLink, LinkHandlers } from '../core/link.js';
import type { WsChannel } from './channel.js';
import { ControlSession } from './control_session.js';
import { WsDataSource } from './data_source.js';
import { dial, type DialOptions, type DialOutcome, type DialPlace } from './dial.js';
import type { Handshaken } from './handshake.js';
import type { Purpose } from './messages.js';
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
  /** Asked before every attempt for a unix socket that leads to the server; undefined: it is dialled straight. */
  readonly connectThrough?: ConnectThrough;
  /** The server refused for a reason that retrying will hardly change; it is tried again at the slowest rate. */
  readonly onRefused?: (reason: IcbdError) => void;
  readonly log?: (entry: TransportLog) => void;
}

/**
 * @param url of the server
 * @param link what is to be dialled; `is_tunnelled` if a tunnel was asked for this link
 * @returns path of a unix socket
 * @throws IcbdError why there is no way through; the attempt fails with it
 */
export type ConnectThrough = (
  url: string,
  link: { readonly kind: 'control' | 'names' | 'data'; readonly is_tunnelled: boolean },
) => Promise<string | undefined>;

export interface LinkClient {
  /** The link that is kept up, if it is. */
  readonly link: ControlLink | undefined;
  start(): void;
  /** Ends that link, with `onDown`, and dials no more. Data links stay. */
  stop(): void;
  /**
   * Opens the data link of a session, and says from where the stream is wanted.
   * @throws IcbdError `LinkLost`, `TimedOut`, `AuthenticationFailed`, `ProtocolVersionMismatch`; what
   *   `connectThrough` throws; `Cancelled` or the signal's own reason. A server that does not know the session says so through `blocks`.
   */
  openData(session: DataSession, options: OpenDataOptions): Promise<DataSource>;
}

export interface OpenDataOptions {
  /** `stream_start`, or what this side has and can prove. */
  readonly from: StreamPlace;
  /** Whether it is to go through a tunnel, see `connectThrough`. */
  readonly is_tunnelled?: boolean;
  /** Gives the attempt up; has no effect on a link that is open. */
  readonly signal?: AbortSignal;
}

type DialledLink = Parameters<ConnectThrough>[1];
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
      randomBytes: options.randomBytes,
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

  async openData(
    session: DataSession,
    { signal, from, is_tunnelled = false }: OpenDataOptions,
  ): Promise<DataSource> {
    const { transfer, attempt } = session;
    const subject = `${transfer} attempt ${String(attempt)}`;
    const cancelled = (): IcbdError =>
      signal?.reason instanceof IcbdError
        ? signal.reason
        : new IcbdError('Cancelled', 'the data link is not wanted any more', {
            operation: 'open data link',
            subject,
          });
    if (signal?.aborted === true) throw cancelled();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        giveUp();
        reject(cancelled());
      };
      const giveUp = this.#dialPlace(
        { kind: 'data', is_tunnelled },
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

  #dial(hooks: DialHooks): () => void {
    const onDone = (wire: Wire, channel: WsChannel, result: Handshaken): void => {
      this.#open(hooks, wire, channel, result);
    };
    const onFailed = (reason: IcbdError): void => {
      hooks.onEnded(reason);
    };
    const kind = this.#kind;
    return this.#dialPlace({ kind, is_tunnelled: false }, { kind }, { onDone, onFailed });
  }

  async #findPlace(link: DialledLink): Promise<DialPlace> {
    const { url: given, connectThrough } = this.#options;
    const url = typeof given === 'string' ? given : await given();
    const socket_path = await connectThrough?.(url, link);
    return socket_path === undefined ? { url } : { url, socket_path };
  }

  /** As `dial`, where the server is to be found now. */
  #dialPlace(link: DialledLink, purpose: Purpose, outcome: DialOutcome): () => void {
    let giveUp: (() => void) | undefined;
    let is_wanted = true;
    const start = (place: DialPlace): void => {
      if (is_wanted) giveUp = dial(place, this.#options, purpose, outcome);
    };
    this.#findPlace(link).then(start, (thrown: unknown) => {
      if (is_wanted) outcome.onFailed(IcbdError.from(thrown, 'find the master'));
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
    const onSilent = (reason: IcbdError): void => {
      channel.breakOff(reason);
    };
    watchWire(wire, clock, `${this.#kind} link`, onSilent, channel.rhythm);
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
