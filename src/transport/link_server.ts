/** The serving side: a WebSocket server for control links, data links, and links for names. */
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { DataSink } from '../core/data_path.js';
import { IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { ControlLink, LinkHandlers, Request } from '../core/link.js';
import { WsChannel } from './channel.js';
import { ControlRegistry } from './control_registry.js';
import { ControlSession } from './control_session.js';
import { DataClaims, type NodeSession, type WaitOptions } from './data_claims.js';
import { WsDataSink } from './data_sink.js';
import { serveHandshake, type Handshaken, type Identity } from './handshake.js';
import { handshake_frame_bytes, type Purpose } from './messages.js';
import { NameLinks, requestsOnly } from './name_links.js';
import type { TransportLog } from './transport_log.js';
import { control_options, data_options, link_paths, prepareWire, watchWire, type Wire } from './wire.js';

/** Peers that may be in their handshake at the same time; more are told to come again later. */
const handshakes_max = 128;
const operation = 'link server';

export interface LinkServerOptions extends Identity {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM; with it the server speaks wss. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** The secret of a node; undefined for an unknown one. */
  readonly secretOf: (node: string) => Buffer | undefined;
  /** Without them, as on a name server of its own, control links and data links are refused. */
  readonly handlers?: LinkHandlers;
  /** Without it links for names are refused. */
  readonly names?: NamesOptions;
  readonly log?: (entry: TransportLog) => void;
}

export interface NamesOptions {
  /** Default: that of the server. */
  readonly secretOf?: (node: string) => Buffer | undefined;
  onRequest(link: ControlLink, request: Request): Promise<unknown>;
}

export interface LinkServer {
  readonly port: number;
  /** Whether nodes can dial it: until it is closed. */
  readonly is_listening: boolean;
  /**
   * Waits for the data link of a session; only `session.node` can open it.
   * @param options `timeout_ms` defaults to `limits.request_ms`
   * @throws IcbdError `TimedOut`; `Cancelled`, or the signal's own reason; `AlreadyRunning`; `Interrupted` when the server closes
   */
  waitForData(session: NodeSession, options?: WaitOptions): Promise<DataSink>;
  /** Ends all links, with `onDown` for each, and the server. */
  close(): Promise<void>;
}

function kindOf(path: string): Purpose['kind'] | undefined {
  return (Object.keys(link_paths) as Purpose['kind'][]).find((kind) => link_paths[kind] === path);
}

class WsLinkServer implements LinkServer {
  readonly #options: LinkServerOptions;
  readonly #http: Server;
  readonly #registry = new ControlRegistry();
  readonly #name_links = new NameLinks();
  readonly #claims: DataClaims;
  readonly #sockets = new Set<WebSocket>();
  readonly #control = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.control_frame_bytes,
    ...control_options,
  });
  /** A receiver has little to say; a small limit costs an attacker's frame no memory. */
  readonly #data = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: handshake_frame_bytes,
    ...data_options,
  });
  #handshakes = 0;
  #links_made = 0;
  #is_closed = false;

  constructor(options: LinkServerOptions) {
    this.#options = options;
    this.#claims = new DataClaims(options.clock, (entry) => {
      this.#log(entry);
    });
    const http_options = {
      headersTimeout: limits.handshake_ms,
      requestTimeout: limits.handshake_ms,
      connectionsCheckingInterval: limits.handshake_ms / 2,
    };
    this.#http =
      options.tls === undefined
        ? createHttpServer(http_options)
        : createHttpsServer({
            ...http_options,
            ...options.tls,
            minVersion: 'TLSv1.2',
            handshakeTimeout: limits.handshake_ms,
          });
    this.#http.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close', 'content-length': '0' }).end();
    });
    this.#http.on('clientError', (_error, socket) => {
      socket.destroy();
    });
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket as Socket, head);
    });
  }

  get port(): number {
    return (this.#http.address() as AddressInfo | null)?.port ?? 0;
  }

  get is_listening(): boolean {
    return this.#http.listening;
  }

  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const onFailed = (cause: Error): void => {
        const subject = `${host}:${String(port)}`;
        const hint = 'choose another address or port, or stop the program that uses it';
        reject(new IcbdError('InvalidConfig', cause.message, { operation: 'listen', subject, hint, cause }));
      };
      this.#http.once('error', onFailed);
      this.#http.listen(port, host, () => {
        this.#http.off('error', onFailed);
        this.#http.on('error', (cause) => {
          this.#log({ kind: 'server_error', error: IcbdError.from(cause, operation).toReport() });
        });
        resolve();
      });
    });
  }

  waitForData(session: NodeSession, options: WaitOptions = {}): Promise<DataSink> {
    if (this.#is_closed) return Promise.reject(this.#closing());
    return this.#claims.wait(session, options);
  }

  async close(): Promise<void> {
    if (this.#is_closed) return;
    this.#is_closed = true;
    const reason = this.#closing();
    this.#claims.closeAll(reason);
    this.#registry.closeAll(reason.toReport());
    this.#name_links.closeAll(reason.toReport());
    const ended = new Promise<void>((resolve) => {
      this.#http.close(() => {
        resolve();
      });
    });
    this.#http.closeIdleConnections();
    // ws ends by force, after closeTimeout, the sockets of peers that do not answer.
    for (const socket of this.#sockets) socket.close(1001, 'the node stops');
    await ended;
  }

  #closing(): IcbdError {
    const subject = this.#options.node;
    return new IcbdError('Interrupted', 'the node stops', { operation, subject });
  }

  #log(entry: TransportLog): void {
    this.#options.log?.(entry);
  }

  #upgrade(request: IncomingMessage, network: Socket, head: Buffer): void {
    network.on('error', () => undefined);
    const kind = kindOf(request.url ?? '');
    const refuse = (status: string): void => {
      network.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      network.destroySoon();
    };
    if (kind === undefined) {
      refuse('404 Not Found');
      return;
    }
    if (this.#is_closed || this.#handshakes >= handshakes_max) {
      refuse('503 Service Unavailable');
      return;
    }
    const server = kind === 'data' ? this.#data : this.#control;
    server.handleUpgrade(request, network, head, (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
      });
      this.#greet(prepareWire(socket, network), kind);
    });
  }

  #greet(wire: Wire, kind: Purpose['kind']): void {
    const channel = new WsChannel(wire, `${kind} link`);
    this.#handshakes += 1;
    const { names, secretOf } = this.#options;
    const secretHere = kind === 'names' ? (names?.secretOf ?? secretOf) : secretOf;
    serveHandshake(channel, this.#options, kind, secretHere, {
      check: ({ peer }) => {
        this.#checkServed(kind, peer.node);
      },
      onDone: (result) => {
        this.#handshakes -= 1;
        const { purpose } = result;
        if (purpose.kind === 'data') this.#offer(wire, channel, result.peer.node, purpose);
        else this.#admit(wire, channel, result, purpose.kind);
      },
      onFailed: (reason, claimed_node) => {
        this.#handshakes -= 1;
        const { address } = wire;
        this.#log({ kind: 'handshake_failed', address, claimed_node, error: reason.toReport() });
      },
    });
  }

  /** @throws IcbdError `NotPermitted` */
  #checkServed(kind: Purpose['kind'], node: string): void {
    const is_served = (kind === 'names' ? this.#options.names : this.#options.handlers) !== undefined;
    if (is_served) return;
    throw new IcbdError('NotPermitted', `${this.#options.node} takes no ${kind} links`, {
      operation: `${kind} link`,
      subject: node,
      hint: kind === 'names' ? 'it serves no names' : 'it is a name server only: dial the master',
    });
  }

  #handlersOf(kind: 'control' | 'names'): LinkHandlers {
    const { handlers, names } = this.#options;
    if (kind === 'control' && handlers !== undefined) return handlers;
    return requestsOnly({
      onUp: () => undefined,
      onDown: () => undefined,
      onRequest: async (link, request) => names?.onRequest(link, request),
    });
  }

  #admit(wire: Wire, channel: WsChannel, { peer }: Handshaken, kind: 'control' | 'names'): void {
    const { clock } = this.#options;
    const links = kind === 'control' ? this.#registry : this.#name_links;
    this.#links_made += 1;
    const session = new ControlSession({
      channel,
      peer,
      session: `server-${String(this.#links_made)}`,
      handlers: this.#handlersOf(kind),
      clock,
      onEnded: (ended) => {
        links.remove(ended);
      },
      onHandlerFailed: (reason) => {
        this.#log({ kind: 'handler_failed', error: reason.toReport() });
      },
    });
    const onSilent = (reason: IcbdError): void => {
      channel.breakOff(reason);
    };
    watchWire(wire, clock, `${kind} link`, onSilent, channel.rhythm);
    links.admit(session);
  }

  #offer(wire: Wire, channel: WsChannel, node: string, purpose: Extract<Purpose, { kind: 'data' }>): void {
    channel.release();
    const { transfer, attempt } = purpose;
    this.#claims.offer({ node, transfer, attempt }, new WsDataSink(wire, this.#options.clock));
  }
}

/**
 * Starts to listen.
 * @throws IcbdError `InvalidConfig` if the address cannot be listened on
 */
export async function createLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const server = new WsLinkServer(options);
  await server.listen();
  return server;
}
