/** Where a daemon's control API is. */
import { type IncomingMessage, type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { IcbdError } from '../core/errors.js';

export interface TcpAddress {
  /** For example `https://backup1:9411`. */
  readonly url: string;
  /** As it stands in the daemon's token file. */
  readonly token?: string | undefined;
  /** Certificates to trust besides those of the system, PEM. */
  readonly ca?: string | undefined;
}

/** Path of a unix socket, or an address to dial. */
export type DaemonAddress = string | TcpAddress;

export interface RawRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The address for people. */
export function addressText(address: DaemonAddress): string {
  return typeof address === 'string' ? address : address.url;
}

/**
 * Checks what somebody has written.
 * @throws IcbdError `InvalidArgument`
 */
export function checkUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const is_plain = parsed?.pathname === '/' && parsed.search === '' && parsed.username === '';
  if (parsed !== undefined && is_plain && /^https?:$/.test(parsed.protocol)) return parsed.origin;
  throw new IcbdError('InvalidArgument', `${url} is no address of a daemon`, {
    operation: 'read address',
    subject: url,
    hint: 'it is http://HOST:PORT or https://HOST:PORT; the token goes into a file: --token-file',
  });
}

/** Begins a request; a connection is made for each, since one that is kept may have been closed a moment ago. */
export function dial(
  address: DaemonAddress,
  { method, path, headers, signal }: RawRequest,
  onAnswer: (response: IncomingMessage) => void,
): ClientRequest {
  const options = { method, headers, agent: false, signal } as const;
  if (typeof address === 'string') return httpRequest({ ...options, socketPath: address, path }, onAnswer);
  const { url, token, ca } = address;
  const authorized = token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
  const target = new URL(path, url);
  if (target.protocol === 'https:') {
    return httpsRequest(target, { ...options, headers: authorized, ca }, onAnswer);
  }
  return httpRequest(target, { ...options, headers: authorized }, onAnswer);
}

const away_codes = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const certificate_codes = /CERT|SIGNATURE|SELF_SIGNED|ISSUER|ERR_TLS_/;

/** Why a daemon could not be asked. */
export function unreachable(error: Error, address: DaemonAddress): IcbdError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const subject = addressText(address);
  const details = { operation: 'control', subject, cause: error };
  if (typeof address !== 'string' && certificate_codes.test(code)) {
    return new IcbdError('AuthenticationFailed', `${subject} is not trusted: ${error.message}`, {
      ...details,
      hint: 'give the certificate that the daemon shows, or the one that signed it, with --ca-file',
    });
  }
  if (away_codes.has(code)) {
    const hint =
      typeof address === 'string'
        ? 'start icbdrepd, or name the right socket with --socket or ICBDREP_SOCKET'
        : "is the address right, and does the daemon's config have it as [control] listen?";
    const message =
      code === 'ENOTFOUND' ? `there is no host of ${subject}` : `no daemon listens on ${subject}`;
    return new IcbdError('DaemonNotRunning', message, { ...details, hint });
  }
  const is_other_protocol = code === 'EPROTO' || code.startsWith('HPE_');
  const hint = is_other_protocol
    ? 'one end speaks https and the other http: look at the address'
    : 'the daemon may have been restarted: look at its log, and try again';
  return new IcbdError('DaemonNotRunning', `control API: ${error.message}`, { ...details, hint });
}
