/** The control API over HTTP. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { IcbdError } from '../../core/errors.js';
import type { EventFeed } from '../event_feed.js';
import type { Operations } from '../operations/operations.js';
import { ControlService } from './service.js';
import type { Probes } from './probes.js';
import { listenOnSocket } from './unix_socket.js';

/** What the control API gives access to. */
export interface ControlParts {
  readonly operations: Operations;
  /** Null: this node has no actors. */
  readonly feed: EventFeed | null;
  readonly probes: Probes | null;
}

export interface ControlServerOptions extends ControlParts {
  /** Path of the unix socket. */
  readonly socket: string;
  /** Hears of failures that are nobody's mistake. */
  readonly onError: (error: IcbdError) => void;
}

export interface ControlServer {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** Longest time in which a client has to send its request, ms. */
const request_timeout_ms = 30_000;
/** A connection without a request is kept so long, ms. */
const idle_ms = 30_000;
const header_bytes_max = 32 * 1024;

function makeServer(serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Server {
  const options = {
    keepAlive: true,
    keepAliveTimeout: idle_ms,
    headersTimeout: request_timeout_ms,
    requestTimeout: request_timeout_ms,
    maxHeaderSize: header_bytes_max,
  };
  const server = createServer(options, (request, response) => void serve(request, response));
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  return server;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/**
 * Serves the control API on a unix socket that only root can open.
 * @throws IcbdError `AlreadyRunning` when somebody listens there
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const service = new ControlService(options, options.onError);
  const server = makeServer((request, response) => service.serve(request, response));
  await listenOnSocket(server, options.socket);
  return {
    close: async () => {
      options.feed?.close();
      await closeServer(server);
    },
  };
}
