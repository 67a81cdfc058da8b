/** One WebSocket to the server, and its handshake. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
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

function addressIn(url: URL): { host: string; port: number } {
  // An IPv6 address stands in brackets in a URL only.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port === '' ? 80 : Number(url.port) };
}

function openSocket(base: string, options: DialOptions, kind: Purpose['kind']): WebSocket {
  const is_data = kind === 'data';
  const url = socketUrl(base, link_paths[kind]);
  const is_framed = is_data && url.protocol === 'ws:';
  return new WebSocket(url, {
    ...(is_data ? data_options : control_options),
    maxPayload: is_data ? limits.data_frame_bytes : limits.control_frame_bytes,
    handshakeTimeout: limits.handshake_ms,
    followRedirects: false,
    ca: options.tls_ca,
    minVersion: 'TLSv1.2',
    // `tls.connect` has no such reads; there ws copies.
    ...(is_framed ? { createConnection: () => connectFramed(addressIn(url), limits.data_frame_bytes) } : {}),
  });
}

/**
 * Connects and proves. Exactly one of the outcome's functions is called, once, unless the attempt is given up.
 * @returns what gives it up; has no effect after the outcome
 */
export function dial(base: string, options: DialOptions, purpose: Purpose, outcome: DialOutcome): () => void {
  const operation = `${purpose.kind} link`;
  let is_over = false;
  const fail = (reason: IcbdError): void => {
    if (is_over) return;
    is_over = true;
    outcome.onFailed(reason);
  };
  let socket: WebSocket;
  try {
    socket = openSocket(base, options, purpose.kind);
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
    const wire = prepareWire(socket, network);
    const channel = new WsChannel(socket, wire.address, operation);
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
