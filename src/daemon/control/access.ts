/** Who may ask for what. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import { assertHost, assertJson, assertSameOrigin, saysOrigin } from './browser_rules.js';
import { HttpError, wrongMethod } from './http_error.js';
import { LoginLimit } from './login_limit.js';
import { readBody } from './read_request.js';
import { fit } from './route.js';
import { SessionCookies, isSame } from './session_cookie.js';

/** Longest body of a login, bytes. */
const login_bytes_max = 4_096;

export const login_body = z.strictObject({
  token: z.string().meta({ description: "what stands in the daemon's token file" }),
});

export interface SessionReport {
  /** Unix ms; null: no session is needed here. */
  readonly expires_at_ms: number | null;
}

/** Decides about the requests of one listener. */
export interface Access {
  /** @throws HttpError for a request that must not be looked at at all */
  check(request: IncomingMessage): void;
  /** @throws HttpError 401 or 429 for one that has not proved who it is */
  authenticate(request: IncomingMessage): void;
  /** Whether it has proved who it is. */
  isKnown(request: IncomingMessage): boolean;
  /** `POST` and `DELETE /v1/session`. */
  session(request: IncomingMessage, response: ServerResponse): Promise<SessionReport>;
}

/** On the unix socket: who can open it may do everything. A browser may come this way too, through `ssh -L`. */
export class SocketAccess implements Access {
  readonly #allowed_hosts: ReadonlySet<string>;

  constructor(allowed_hosts: readonly string[]) {
    this.#allowed_hosts = new Set(allowed_hosts.map((name) => name.toLowerCase()));
  }

  check(request: IncomingMessage): void {
    // Nobody can make a name without a dot lead here from outside, and programs write anything there.
    assertHost(request, (name) => !name.includes('.') || this.#allowed_hosts.has(name));
    if (saysOrigin(request)) {
      assertSameOrigin(request);
      assertJson(request);
    }
  }

  authenticate(): void {}

  isKnown(): boolean {
    return true;
  }

  async session(): Promise<SessionReport> {
    return { expires_at_ms: null };
  }
}

export interface TokenAccessOptions {
  readonly token: Buffer;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
  readonly allowed_hosts: readonly string[];
  readonly port: number;
  readonly is_tls: boolean;
  readonly log: Logger;
}

/** Over TCP: by the token in a header, or by the cookie of a session that the token opened. */
export class TokenAccess implements Access {
  readonly #options: TokenAccessOptions;
  readonly #allowed_hosts: ReadonlySet<string>;
  readonly #limit: LoginLimit;
  readonly #cookies: SessionCookies;

  constructor(options: TokenAccessOptions) {
    this.#options = options;
    this.#allowed_hosts = new Set(options.allowed_hosts.map((name) => name.toLowerCase()));
    this.#limit = new LoginLimit(options.clock);
    this.#cookies = new SessionCookies(options);
  }

  check(request: IncomingMessage): void {
    assertHost(request, (name) => this.#allowed_hosts.has(name));
    if (saysOrigin(request)) assertSameOrigin(request);
  }

  authenticate(request: IncomingMessage): void {
    if (request.headers.authorization !== undefined) return this.#try(request, tokenOf(request));
    if (!this.#cookies.holds(request.headers.cookie)) throw unauthenticated('this needs a token', request);
    // A cookie comes by itself, whoever made the browser ask.
    assertSameOrigin(request, true);
    assertJson(request);
  }

  isKnown(request: IncomingMessage): boolean {
    const token = tokenOf(request);
    if (token === '') return this.#cookies.holds(request.headers.cookie);
    return this.#limit.waitS(addressOf(request)) === 0 && isSame(token, this.#options.token);
  }

  async session(request: IncomingMessage, response: ServerResponse): Promise<SessionReport> {
    if (request.method === 'DELETE') {
      this.#cookies.end(request.headers.cookie);
      response.setHeader('set-cookie', this.#cookies.clearing_header);
      return { expires_at_ms: null };
    }
    if (request.method !== 'POST') {
      throw wrongMethod(request.method ?? '', '/v1/session', ['POST', 'DELETE']);
    }
    assertJson(request);
    const { token } = fit(login_body, await readBody(request, login_bytes_max), 'login');
    this.#try(request, token.trim());
    const { header, expires_at_ms } = this.#cookies.open();
    response.setHeader('set-cookie', header);
    this.#options.log.info({ address: addressOf(request), expires_at_ms }, 'logged in');
    return { expires_at_ms };
  }

  /** @throws HttpError 401 for a wrong token, 429 after too many of them */
  #try(request: IncomingMessage, token: string): void {
    const address = addressOf(request);
    const wait_s = this.#limit.waitS(address);
    if (wait_s > 0) throw tooMany(wait_s);
    if (isSame(token, this.#options.token)) {
      this.#limit.succeeded(address);
      return;
    }
    this.#limit.failed(address);
    this.#options.log.warn({ address }, 'login refused: wrong token');
    throw unauthenticated('the token is wrong', request);
  }
}

/** The token in a request's header; empty if there is none. */
function tokenOf({ headers: { authorization = '' } }: IncomingMessage): string {
  return /^bearer +(.+)$/i.exec(authorization.trim())?.[1] ?? '';
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

function unauthenticated(message: string, request: IncomingMessage): HttpError {
  const error = new IcbdError('AuthenticationFailed', message, {
    operation: 'authenticate',
    subject: request.headers.host ?? '',
    hint: "what stands in the daemon's [control] token_file: --token-file or ICBDREP_TOKEN_FILE names a copy of it",
  });
  return new HttpError(401, error, { 'www-authenticate': 'Bearer' });
}

function tooMany(wait_s: number): HttpError {
  const error = new IcbdError('Busy', 'too many wrong tokens came from there', {
    operation: 'authenticate',
    hint: `try again in ${wait_s} s`,
  });
  return new HttpError(429, error, { 'retry-after': String(wait_s) });
}
