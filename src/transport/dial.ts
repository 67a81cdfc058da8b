/** One WebSocket to the server, and its handshake. */
import { type Socket, connect, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type ClientOptions, WebSocket } from 'ws';
import { IcbdError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { WsChannel } from './channel.js';
import { errorOfSocket } from './close_codes.js';
import { connectFramed } from './frame_reader.js';
import { dialHandshake, type Handshaken, type Identity } from './handshake.js';
import type { Purpose } from './messages.js';
import { control_options, data_options, link_paths, prepareWire, type Wire } from './wire.js';

export interface DialOptions extends Identity {
  readonly secret: Buffer;
  /** PEM of the authority that signed the server's certificate; without it, those of the system. */
  readonly tls_ca?: string | Buffer;
}

/** Where a server is dialled. */
export interface DialPlace {
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  /** A unix socket that leads there. The server still has to be the one that `url` names. */
  readonly socket_path?: string;
}

export interface DialOutcome {
  /** Take the channel over before returning. */
  onDone(wire: Wire, channel: WsChannel, result: Handshaken): void;
  /** Nothing is open any more. */
  onFailed(reason: IcbdError): void;
}

/** @throws IcbdError `InvalidConfig` for an address that is not `ws://` or `wss://` */
function socketUrl(base: string, path: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url?.protocol === 'ws:' || url?.protocol === 'wss:') return new URL(path, url);
  throw new IcbdError('InvalidConfig', `${base} is not the address of a link server`, {
    operation: 'dial',
    subject: base,
    hint: 'for example ws://master.example:7301 or wss://master.example:7301',
  });
}

function hostIn(url: URL): { host: string; port: number } {
  // An IPv6 address stands in brackets in a URL only.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port === '' ? 80 : Number(url.port) };
}

/** How the connection below the WebSocket is made, where ws itself would do it otherwise. */
function connector(url: URL, socket_path: string | undefined, is_data: boolean): ClientOptions {
  // `tls.connect` cannot read into our memory; there ws copies.
  const is_framed = is_data && url.protocol === 'ws:';
  if (is_framed) {
    const place = socket_path === undefined ? hostIn(url) : { path: socket_path };
    return { createConnection: () => connectFramed(place, limits.data_frame_bytes) };
  }
  if (socket_path === undefined) return {};
  if (url.protocol === 'ws:') return { createConnection: () => connect({ path: socket_path }) };
  const { host } = hostIn(url);
  const servername = isIP(host) === 0 ? host : '';
  return {
    // The certificate has to be that of the host in the URL, whatever the connection goes through.
    createConnection: (given: unknown) =>
      connectTls({ ...(given as ConnectionOptions), host, servername, path: socket_path }),
  };
}

function openSocket(place: DialPlace, options: DialOptions, kind: Purpose['kind']): WebSocket {
  const is_data = kind === 'data';
  const url = socketUrl(place.url, link_paths[kind]);
  return new WebSocket(url, {
    ...(is_data ? data_options : control_options),
    maxPayload: is_data ? limits.data_frame_bytes : limits.control_frame_bytes,
    handshakeTimeout: limits.handshake_ms,
    followRedirects: false,
    ca: options.tls_ca,
    minVersion: 'TLSv1.2',
    ...connector(url, place.socket_path, is_data),
  });
}

/**
 * Connects and proves. Exactly one of the outcome's functions is called, once, unless the attempt is given up.
 * @returns what gives it up; has no effect after the outcome
 */
export function dial(
  place: DialPlace,
  options: DialOptions,
  purpose: Purpose,
  outcome: DialOutcome,
): () => void {
  const base = place.url;
  const operation = `${purpose.kind} link`;
  let is_over = false;
  const fail = (reason: IcbdError): void => {
    if (is_over) return;
    is_over = true;
    outcome.onFailed(reason);
  };
  let socket: WebSocket;
  try {
    socket = openSocket(place, options, purpose.kind);
  } catch (thrown) {
    // Not at once: who dials has not got back what gives the attempt up.
    const cancel = options.clock.after(0, () => {
      fail(IcbdError.from(thrown, 'dial', base));
    });
    return cancel;
  }
  const onDialError = (cause: Error): void => {
    fail(errorOfSocket(cause, operation, base));
  };
  socket.on('error', onDialError);
  let network: Socket | undefined;
  socket.once('upgrade', (response) => {
    network = response.socket;
  });
  socket.once('open', () => {
    if (is_over || network === undefined) return;
    socket.off('error', onDialError);
    const is_direct = place.socket_path === undefined;
    const wire = prepareWire(socket, network, is_direct ? undefined : `${base} through ${place.socket_path}`);
    const channel = new WsChannel(wire, operation);
    dialHandshake(channel, options, purpose, options.secret, {
      onDone: (result) => {
        if (is_over) return;
        is_over = true;
        outcome.onDone(wire, channel, result);
      },
      onFailed: fail,
    });
  });
  return () => {
    if (is_over) return;
    is_over = true;
    // Before it is open, ws answers with an error event, which must find a listener.
    socket.on('error', () => undefined);
    socket.terminate();
  };
}
