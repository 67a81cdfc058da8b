/** A session of the page: a cookie that the daemon can check without remembering it, also after a restart. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.js';

/** How long somebody who logged in need not do it again, ms. */
const session_ms = 12 * 3_600_000;
const nonce_bytes = 16;

export interface SessionOptions {
  readonly token: Buffer;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
  /** Browsers share cookies between the ports of a host: the name tells those of several daemons apart. */
  readonly port: number;
  readonly is_tls: boolean;
}

const hash = (value: Buffer | string): Buffer => createHash('sha256').update(value).digest();

/** Takes the same time wherever two texts differ, and whatever their lengths. */
export function isSame(one: Buffer | string, other: Buffer | string): boolean {
  return timingSafeEqual(hash(one), hash(other));
}

/** Makes and checks the cookies of sessions. A value is `expiry.nonce.mac`; the key comes from the token. */
export class SessionCookies {
  readonly name: string;
  readonly #options: SessionOptions;
  readonly #key: Buffer;
  /** Nonces of sessions that were ended, and when they would have expired, ms. */
  readonly #ended = new Map<string, number>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#key = createHmac('sha256', options.token).update('icbdrep session 1').digest();
    this.name = `${options.is_tls ? '__Host-' : ''}icbdrep_${options.port}`;
  }

  /** A new session, as a header, and when it expires. */
  open(): { readonly header: string; readonly expires_at_ms: number } {
    const { clock, randomBytes } = this.#options;
    const expires_at_ms = clock.now() + session_ms;
    const text = `${expires_at_ms.toString(36)}.${randomBytes(nonce_bytes).toString('base64url')}`;
    return { header: this.#header(`${text}.${this.#mac(text)}`, session_ms / 1_000), expires_at_ms };
  }

  /** What makes a browser forget its session. */
  get clearing_header(): string {
    return this.#header('', 0);
  }

  /** Whether a request comes with a session that holds. */
  holds(cookies: string | undefined): boolean {
    const session = this.#read(cookies);
    return session !== undefined && !this.#ended.has(session.nonce);
  }

  /** From now on the session of these cookies holds no more. */
  end(cookies: string | undefined): void {
    const now_ms = this.#options.clock.now();
    for (const [nonce, expires_at_ms] of this.#ended) if (expires_at_ms <= now_ms) this.#ended.delete(nonce);
    const session = this.#read(cookies);
    if (session !== undefined) this.#ended.set(session.nonce, session.expires_at_ms);
  }

  #read(cookies = ''): { readonly nonce: string; readonly expires_at_ms: number } | undefined {
    const pairs = cookies.split(';').map((pair) => pair.trim());
    const value = pairs.find((pair) => pair.startsWith(`${this.name}=`))?.slice(this.name.length + 1);
    const [expiry = '', nonce = '', mac = ''] = value?.split('.') ?? [];
    if (!isSame(mac, this.#mac(`${expiry}.${nonce}`))) return undefined;
    const expires_at_ms = Number.parseInt(expiry, 36);
    return expires_at_ms > this.#options.clock.now() ? { nonce, expires_at_ms } : undefined;
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  #header(value: string, max_age_s: number): string {
    const secure = this.#options.is_tls ? '; Secure' : '';
    return `${this.name}=${value}; Path=/; Max-Age=${max_age_s}; HttpOnly; SameSite=Strict${secure}`;
  }
}
