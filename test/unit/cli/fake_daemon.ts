/** A control API that answers what a test says, on a real unix socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IcbdError } from '../../../src/core/errors.js';

export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: unknown;
}

/** What to answer: any JSON, or an IcbdError. */
export type Answer = (request: SeenRequest) => unknown;

export interface FakeDaemon {
  readonly socket: string;
  /** In the order of their arrival. */
  readonly requests: readonly SeenRequest[];
  /** As a daemon that ends. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes the socket's directory. */
  dispose(): Promise<void>;
}

export async function startFakeDaemon(answer: Answer): Promise<FakeDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'icbdrep-cli-'));
  const socket = join(directory, 'control.sock');
  const requests: SeenRequest[] = [];
  let server: Server;
  const start = async (): Promise<void> => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const body: unknown = text === '' ? undefined : JSON.parse(text);
        const seen = { method: request.method ?? '', path: request.url ?? '', body };
        requests.push(seen);
        const result = answer(seen);
        const is_error = result instanceof IcbdError;
        response.statusCode = is_error ? 400 : 200;
        response.end(JSON.stringify(is_error ? { error: result.toReport() } : result));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(socket, resolve);
    });
  };
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  await start();
  return {
    socket,
    requests,
    start,
    stop,
    dispose: async () => {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
