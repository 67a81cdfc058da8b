import { request as httpRequest } from 'node:http';
import { type ErrorReport, IcbdError, isErrorCode } from '../core/errors.js';

/** A daemon that says nothing for so long hangs, ms; taking a snapshot of a busy filesystem may take a while. */
const silence_ms_max = 120_000;
/** Bytes of the longest answer that is read. */
const answer_bytes_max = 256 * 1024 * 1024;

export interface CallOptions {
  /** Gives the call up: it rejects with `Cancelled`. What the daemon was asked to do may be done all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** On which node. */
export interface NodeOptions extends CallOptions {
  /** Name or number; the master is 0. Default: the daemon that is asked. */
  readonly node?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One part of a path. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

function pathWith(path: string, query: Query): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    if (typeof value === 'object') for (const one of value) pairs.append(key, one);
    else pairs.set(key, String(value));
  }
  return pairs.size === 0 ? path : `${path}?${pairs.toString()}`;
}

function readError(status: number, body: string, subject: string): IcbdError {
  try {
    const { error } = JSON.parse(body) as { error: ErrorReport };
    const code: string = error.code;
    if (isErrorCode(code)) return IcbdError.fromReport(error);
    return new IcbdError('Internal', `${code}: ${error.message}`, error);
  } catch {
    return new IcbdError('Internal', `the daemon answered ${status}`, { operation: 'control', subject });
  }
}

interface Call extends CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
}

/** Calls to one daemon's control API. */
export class ControlConnection {
  readonly #socket_path: string;

  /** @param socket_path path of the daemon's unix socket */
  constructor(socket_path: string) {
    this.#socket_path = socket_path;
  }

  /**
   * @param path from `/v1/` on, without it
   * @throws IcbdError what the daemon answered; `DaemonNotRunning` when nobody listens; `Cancelled` by the signal
   */
  call<T>(method: string, path: string, { query = {}, body, signal }: Call = {}): Promise<T> {
    const subject = this.#socket_path;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(signal?.aborted === true ? givenUp(signal, subject) : unreachable(error, subject));
      };
      if (signal?.aborted === true) {
        reject(givenUp(signal, subject));
        return;
      }
      const headers = { 'content-type': 'application/json' };
      const request = httpRequest(
        // A connection for each: one that is kept may have been closed by the daemon a moment ago.
        { socketPath: subject, method, path: pathWith(`/v1/${path}`, query), headers, agent: false, signal },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('error', fail);
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > answer_bytes_max) response.destroy(new Error('the answer is too long'));
            else chunks.push(chunk);
          });
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 500;
            if (status >= 400) reject(readError(status, text, subject));
            else resolve(JSON.parse(text) as T);
          });
        },
      );
      request.on('error', fail);
      request.setTimeout(silence_ms_max, () => {
        request.destroy(new Error(`no answer for ${silence_ms_max / 1_000} s`));
      });
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function givenUp(signal: AbortSignal, subject: string): IcbdError {
  if (signal.reason instanceof IcbdError) return signal.reason;
  return new IcbdError('Cancelled', 'the call was given up', {
    operation: 'control',
    subject,
    cause: signal.reason,
  });
}

function unreachable(error: Error, subject: string): IcbdError {
  const { code } = error as NodeJS.ErrnoException;
  const is_down = code === 'ENOENT' || code === 'ECONNREFUSED';
  const message = is_down ? `no daemon listens on ${subject}` : `control API: ${error.message}`;
  const hint = is_down
    ? 'start icbdrepd, or name the right socket with --socket or ICBDREP_SOCKET'
    : 'the daemon may have been restarted: look at its log, and try again';
  return new IcbdError('DaemonNotRunning', message, { operation: 'control', subject, hint, cause: error });
}
