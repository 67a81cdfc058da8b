/** The control API over HTTP: on a unix socket, and over TCP if the config wants it. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RequestListener, type Server, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { ControlConfig } from '../config/parts.js';
import { readSecret } from '../config/secret.js';
import { system_clock } from '../system_clock.js';
import { type Access, SocketAccess, TokenAccess } from './access.js';
import { type ControlParts, ControlService } from './service.js';
import { StaticFiles, built_page } from './static_files.js';
import { listenOnSocket } from './unix_socket.js';

export interface ControlServerOptions extends ControlParts {
  readonly control: ControlConfig;
  readonly log: Logger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Where the page is; default: where the build puts it. */
  readonly page_directory?: string;
}

export interface ControlServer {
  /** Where it listens for TCP, which is the page's address too; null: it does not. */
  readonly url: string | null;
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** Longest time in which a client has to send its request, ms. */
const request_timeout_ms = 30_000;
/** A connection without a request is kept so long, ms. */
const idle_ms = 30_000;
const header_bytes_max = 32 * 1024;
const connections_max = 1_024;

const server_options = {
  keepAlive: true,
  keepAliveTimeout: idle_ms,
  headersTimeout: request_timeout_ms,
  requestTimeout: request_timeout_ms,
  maxHeaderSize: header_bytes_max,
} as const;

/** Requests that are none are answered so, and never reach anybody. */
function prepare(server: Server): Server {
  server.maxConnections = connections_max;
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

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new IcbdError('InvalidConfig', `cannot be read: ${(cause as Error).message}`, {
      operation: 'read certificate',
      subject: file,
      cause,
    });
  }
}

/** A server for TCP that does not listen yet. */
function tcpServer({ tls_cert, tls_key }: ControlConfig, listener: RequestListener): Server {
  if (tls_cert === undefined || tls_key === undefined) return createServer(server_options, listener);
  const tls = { cert: readPem(tls_cert), key: readPem(tls_key), minVersion: 'TLSv1.2' } as const;
  try {
    return createTlsServer({ ...server_options, ...tls }, listener);
  } catch (cause) {
    throw new IcbdError('InvalidConfig', `[control] tls_cert and tls_key: ${(cause as Error).message}`, {
      operation: 'read certificate',
      subject: tls_cert,
      cause,
    });
  }
}

/** @returns the port */
function listenOnTcp(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const is_taken = cause.code === 'EADDRINUSE';
      reject(
        new IcbdError(is_taken ? 'AlreadyRunning' : 'InvalidConfig', `[control] listen: ${cause.message}`, {
          operation: 'listen',
          subject: `${host}:${port}`,
          hint: is_taken ? 'another program listens there' : 'is it an address of this machine?',
          cause,
        }),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** @returns the server and its address */
async function serveTcp(
  service: ControlService,
  { control, log, clock = system_clock }: ControlServerOptions,
  { host, port: wanted }: NonNullable<ControlConfig['listen']>,
): Promise<{ readonly server: Server; readonly url: string }> {
  const { token_file = '', allowed_hosts, tls_cert } = control;
  const token = readSecret(token_file);
  const is_tls = tls_cert !== undefined;
  let access: Access | undefined;
  const server = prepare(
    tcpServer(control, (request, response) => {
      if (access === undefined) response.destroy();
      else void service.serve(access, request, response);
    }),
  );
  const port = await listenOnTcp(server, host, wanted);
  const hosts = [...allowed_hosts, host];
  access = new TokenAccess({ token, clock, randomBytes, allowed_hosts: hosts, port, is_tls, log });
  const shown = host.includes(':') ? `[${host}]` : host;
  return { server, url: `${is_tls ? 'https' : 'http'}://${shown}:${port}` };
}

/**
 * Serves the control API and the page.
 * @throws IcbdError `AlreadyRunning` when somebody listens there, `InvalidConfig`; then nothing is served
 */
export async function startControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { control, feed, log, page_directory = built_page } = options;
  const service = new ControlService(options, new StaticFiles(page_directory), log);
  const access = new SocketAccess(control.allowed_hosts);
  const socket_server = prepare(
    createServer(server_options, (request, response) => void service.serve(access, request, response)),
  );
  await listenOnSocket(socket_server, control.socket);
  const servers = [socket_server];
  const close = async (): Promise<void> => {
    feed?.close();
    await Promise.all(servers.map(closeServer));
  };
  if (control.listen === undefined) return { url: null, close };
  try {
    const { server, url } = await serveTcp(service, options, control.listen);
    servers.push(server);
    return { url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
