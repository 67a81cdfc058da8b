import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { type ErrorCode, IcbdError, error_codes } from '../../core/errors.js';
import type { ControlRequest } from './route.js';

/** Longest request body, bytes. */
const body_bytes_max = 1024 * 1024;

export interface ControlServer {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

const status_by_exit_code: Readonly<Record<number, number>> = { 2: 400, 10: 404, 11: 409, 12: 409, 13: 503 };

function statusOf(code: ErrorCode): number {
  if (code === 'FrameTooLarge') return 413;
  return status_by_exit_code[error_codes[code].exit_code] ?? 500;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > body_bytes_max) {
      throw new IcbdError('FrameTooLarge', `a request has at most ${body_bytes_max} bytes`, {
        operation: 'control',
      });
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new IcbdError('InvalidArgument', 'the body is not JSON', { operation: 'control', cause: error });
  }
}

async function parseRequest(request: IncomingMessage): Promise<ControlRequest> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
  if (!pathname.startsWith('/v1/')) {
    throw new IcbdError('InvalidArgument', `no request ${pathname}`, {
      operation: 'control',
      subject: pathname,
    });
  }
  let parts: string[];
  try {
    parts = pathname.slice('/v1/'.length).split('/').map(decodeURIComponent);
  } catch (error) {
    throw new IcbdError('InvalidArgument', 'the path is not valid', { operation: 'control', cause: error });
  }
  return { method: request.method ?? 'GET', parts, query: searchParams, body: await readBody(request) };
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function isListening(socket_path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socket_path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function claimSocket(socket_path: string): Promise<void> {
  mkdirSync(path.dirname(socket_path), { recursive: true });
  if (await isListening(socket_path)) {
    throw new IcbdError('AlreadyRunning', `another daemon listens on ${socket_path}`, {
      operation: 'listen',
      subject: socket_path,
      hint: 'stop it, or give this one another control.socket',
    });
  }
  rmSync(socket_path, { force: true });
}

/**
 * Serves the control API on a unix socket that only root can open.
 * @throws IcbdError `AlreadyRunning` when somebody listens there
 */
export async function startControlServer(
  socket_path: string,
  handle: (request: ControlRequest) => Promise<unknown>,
  onError: (error: IcbdError) => void,
): Promise<ControlServer> {
  await claimSocket(socket_path);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      answer(response, 200, await handle(await parseRequest(request)));
    } catch (thrown) {
      const error = IcbdError.from(thrown, 'control', request.url);
      if (error.code === 'Internal') onError(error);
      answer(response, statusOf(error.code), { error: error.toReport() });
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  const old_mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket_path, resolve);
    });
  } catch (error) {
    throw IcbdError.from(error, 'listen', socket_path);
  } finally {
    process.umask(old_mask);
  }
  chmodSync(socket_path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
