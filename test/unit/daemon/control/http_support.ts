/** A control API with a listener for TCP, and requests to it in which every header is as a test says. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { Clock } from '../../../../src/core/clock.js';
import { IcbdError } from '../../../../src/core/errors.js';
import type { Probes } from '../../../../src/daemon/control/probes.js';
import { type ControlServer, startControlServer } from '../../../../src/daemon/control/server.js';
import type { Operations } from '../../../../src/daemon/operations/operations.js';

export const token = 'a token that is long enough for everybody';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** Code of the error in it; empty if there is none. */
  readonly code: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Over the unix socket. */
  readonly over_socket?: boolean;
}

const probes: Probes = {
  livez: () => ({ ok: true, checks: [{ name: 'event loop', ok: true, text: 'no delay' }] }),
  readyz: async () => ({ ok: false, checks: [{ name: 'disk', ok: false, text: '/srv is full' }] }),
  metrics: async () => 'icbdrep_up 1\n',
};

/** Answers for what the tests ask for. */
const operations = {
  status: async () => ({ node: 'master' }),
  replicas: { list: async () => Array.from({ length: 500 }, (_, index) => ({ name: `replica${index}` })) },
  transfers: {
    cancel: async (id: string) => ({ id }),
    get: async (id: string) => {
      throw id === 'bug' ? new Error('a bug') : new IcbdError('TransferNotFound', id, { operation: 'find' });
    },
  },
  nodes: { ping: async () => ({ answer: 'pong' }) },
} as unknown as Operations;

function codeIn(text: string): string {
  try {
    return (JSON.parse(text) as { error?: { code: string } }).error?.code ?? '';
  } catch {
    return '';
  }
}

export class HttpBench {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-http-'));
  /** Lines of its log. */
  readonly log: string[] = [];
  now_ms = 1_800_000_000_000;
  readonly clock: Clock = { now: () => this.now_ms, after: () => () => undefined };
  /** Set before the start: certificate and key of the listener for TCP. */
  tls: { readonly tls_cert?: string; readonly tls_key?: string } = {};
  #server: ControlServer | undefined;

  get socket(): string {
    return path.join(this.directory, 'control.sock');
  }

  get token_file(): string {
    return path.join(this.directory, 'token');
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  get page_directory(): string {
    return path.join(this.directory, 'web');
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Starts it, or starts it again on the same port. */
  async start(): Promise<void> {
    const port = this.#server === undefined ? 0 : this.port;
    await this.#server?.close();
    writeFileSync(this.token_file, `${token}\n`, { mode: 0o600 });
    this.#server = await startControlServer({
      operations,
      feed: null,
      probes,
      control: {
        socket: this.socket,
        listen: { host: '127.0.0.1', port },
        token_file: this.token_file,
        allowed_hosts: ['Backup1.example'],
        ...this.tls,
      },
      log: pino({ level: 'debug' }, { write: (line: string) => void this.log.push(line) }),
      clock: this.clock,
      page_directory: this.page_directory,
    });
  }

  buildPage(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.page_directory, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  ask(target: string, { method = 'GET', headers = {}, body, over_socket }: Asked = {}): Promise<Answer> {
    const place = over_socket === true ? { socketPath: this.socket } : { host: '127.0.0.1', port: this.port };
    const own = { host: `127.0.0.1:${this.port}`, ...headers };
    const options = { ...place, method, path: target, headers: own, agent: false, setHost: false };
    return new Promise((resolve, reject) => {
      const asked = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString();
          const { statusCode: status = 0 } = response;
          resolve({ status, headers: response.headers, bytes, text, code: codeIn(text) });
        });
      });
      asked.on('error', reject);
      asked.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  }

  /** With the token. */
  known(target: string, asked: Asked = {}): Promise<Answer> {
    return this.ask(target, { ...asked, headers: { authorization: `Bearer ${token}`, ...asked.headers } });
  }

  /** Logs in; returns the cookie. */
  async logIn(): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    const answer = await this.ask('/v1/session', { method: 'POST', headers, body: { token } });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    return cookie.split(';')[0] ?? '';
  }

  /** Writes bytes that need not be a request; resolves with all that comes back until it ends. */
  send(bytes: Buffer | string): Promise<string> {
    return new Promise((resolve) => {
      let heard = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('data', (chunk) => (heard += chunk.toString()));
      socket.on('error', () => resolve(heard));
      socket.on('close', () => resolve(heard));
      socket.setTimeout(5_000, () => socket.destroy());
    });
  }

  async dispose(): Promise<void> {
    await this.#server?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
