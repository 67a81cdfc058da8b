/** One WebSocket of ours: the options of both ends, and what every socket gets before anything else happens. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import { type Rhythm, watchLiveness } from './liveness.js';
import type { Purpose } from './messages.js';

/** Where the server takes links of each kind. */
export const link_paths = {
  control: '/v1/control',
  data: '/v1/data',
  names: '/v1/names',
} as const satisfies Record<Purpose['kind'], string>;

/** Time for a peer to answer our close frame before the socket is ended by force. */
const close_timeout_ms = 2_000;
/** With this much unsent, pings are not answered any more: who does not read gets no more to read. */
const pong_backlog_bytes = 1024 * 1024;
const keepalive_ms = 10_000;

/** Compression would cost a copy and a thread for bytes that are compressed already. */
const common_options = {
  perMessageDeflate: false,
  autoPong: false,
  closeTimeout: close_timeout_ms,
} as const;

/** One event per turn of the loop, so that a peer which talks much does not starve the others. */
export const control_options = {
  ...common_options,
  allowSynchronousEvents: false,
  skipUTF8Validation: false,
};
export const data_options = { ...common_options, allowSynchronousEvents: true, skipUTF8Validation: true };

export interface Wire {
  readonly socket: WebSocket;
  readonly network: Socket;
  readonly address: string;
}

export function addressOf(network: Socket): string {
  return `${network.remoteAddress ?? 'unknown'}:${String(network.remotePort ?? 0)}`;
}

/**
 * Makes a fresh socket safe: an error listener, answers to pings within bounds, no delay, TCP keepalive.
 * @param address of the other end, for people
 */
export function prepareWire(socket: WebSocket, network: Socket, address = addressOf(network)): Wire {
  socket.on('error', () => undefined);
  socket.on('ping', (data: Buffer) => {
    if (socket.bufferedAmount < pong_backlog_bytes) socket.pong(data, undefined, () => undefined);
  });
  network.setNoDelay(true);
  network.setKeepAlive(true, keepalive_ms);
  return { socket, network, address };
}

/** Watches a wire until it closes; a silent peer's socket is ended after `onSilent` was told why. */
export function watchWire(
  wire: Wire,
  clock: Clock,
  operation: string,
  onSilent: (reason: IcbdError) => void,
  rhythm?: Rhythm,
): void {
  const { socket, network } = wire;
  const stop = watchLiveness({
    clock,
    ping: () => {
      if (socket.readyState === socket.OPEN) socket.ping(undefined, undefined, () => undefined);
    },
    bytesRead: () => network.bytesRead,
    isDeaf: () => socket.isPaused,
    ...(rhythm === undefined ? {} : { rhythm }),
    onSilent: () => {
      const hint = 'look at the network between the nodes, and whether the peer is up';
      onSilent(new IcbdError('LinkLost', 'the peer is silent', { operation, subject: wire.address, hint }));
      socket.terminate();
    },
  });
  socket.once('close', stop);
}
