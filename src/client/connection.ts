import type { IncomingMessage } from 'node:http';
import { type ErrorReport, IcbdError, isErrorCode } from '../core/errors.js';
import { type DaemonAddress, addressText, dial, unreachable } from './daemon_address.js';

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

export interface TextCall extends CallOptions {
  readonly body?: unknown;
}

interface Call extends TextCall {
  readonly query?: Query;
}

export interface StreamOptions extends CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** No byte for so long, and the connection counts as lost, ms. */
  readonly silence_ms: number;
}

/** Calls to one daemon's control API. */
export class ControlConnection {
  readonly #address: DaemonAddress;

  /** @param address path of the daemon's unix socket, or where it listens */
  constructor(address: DaemonAddress) {
    this.#address = address;
  }

  /**
   * @param path from `/v1/` on, without it
   * @throws IcbdError what the daemon answered; `DaemonNotRunning` when nobody listens; `Cancelled` by the signal
   */
  async call<T>(method: string, path: string, { query = {}, body, signal }: Call = {}): Promise<T> {
    return JSON.parse(await this.text(method, pathWith(`/v1/${path}`, query), { body, signal })) as T;
  }

  /**
   * An answer as it is.
   * @param path all of it
   * @throws as `call`
   */
  async text(method: string, path: string, { body, signal }: TextCall = {}): Promise<string> {
    const text = JSON.stringify(body) as string | undefined;
    const headers = { 'content-type': 'application/json' };
    const options = { headers, silence_ms: silence_ms_max, signal };
    return this.#read(await this.#request(method, path, options, text), signal);
  }

  /**
   * An answer that comes bit by bit, and goes on until either end has enough.
   * @param path from `/v1/` on, without it
   * @throws as `call`; the stream itself fails with what Node says when the connection is lost
   */
  stream(path: string, query: Query, options: StreamOptions): Promise<IncomingMessage> {
    return this.#request('GET', pathWith(`/v1/${path}`, query), options);
  }

  /** What to tell people of a failure of a stream. */
  failure(error: Error, signal?: AbortSignal): IcbdError {
    const is_over = signal?.aborted === true;
    return is_over ? givenUp(signal, addressText(this.#address)) : unreachable(error, this.#address);
  }

  /** Resolves with the begin of an answer that is no error. */
  #request(
    method: string,
    path: string,
    { headers = {}, silence_ms, signal }: StreamOptions,
    body?: string,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(this.failure(error, signal));
      if (signal?.aborted === true) return fail(new Error('given up'));
      const request = dial(this.#address, { method, path, headers, signal }, (response) => {
        const status = response.statusCode ?? 500;
        if (status < 400) return resolve(response);
        const subject = addressText(this.#address);
        this.#read(response, signal).then((text) => reject(readError(status, text, subject)), reject);
      });
      request.on('error', fail);
      request.setTimeout(silence_ms, () => {
        request.destroy(new Error(`no answer for ${silence_ms / 1_000} s`));
      });
      request.end(body);
    });
  }

  /** All of an answer. */
  async #read(response: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > answer_bytes_max) throw new Error('the answer is too long');
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.failure(error as Error, signal);
    }
    return Buffer.concat(chunks).toString('utf8');
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
