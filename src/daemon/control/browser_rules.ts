/** What keeps other people's pages, open in an operator's browser, away from the control API. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { IcbdError } from '../../core/errors.js';
import { HttpError } from './http_error.js';

function refused(message: string, subject: string, hint = ''): HttpError {
  return new HttpError(
    403,
    new IcbdError('NotPermitted', message, { operation: 'check request', subject, hint }),
  );
}

/** The name that a client knows this node by, without the port; empty if it says none. */
export function hostOf({ headers: { host = '' } }: IncomingMessage): string {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d*$/, '');
  return name.toLowerCase();
}

/**
 * A page of somebody else that lets its own name lead to this address would be answered as if it were ours. A number
 * cannot be made to lead elsewhere.
 * @throws HttpError 403 for a name that is not one of this node
 */
export function assertHost(request: IncomingMessage, isAllowed: (name: string) => boolean): void {
  const name = hostOf(request);
  if (isIP(name.replace(/%.*$/, '')) !== 0 || name === 'localhost' || isAllowed(name)) return;
  throw refused(
    `this daemon does not know itself as ${name === '' ? 'nothing' : name}`,
    name,
    'if that is a name of this node, add it to allowed_hosts in the [control] of its config',
  );
}

/**
 * Whatever a browser sends because of somebody else's page is refused, unless it only reads.
 * @param is_demanded whether a request that does not say where it comes from is refused too
 * @throws HttpError 403
 */
export function assertSameOrigin(request: IncomingMessage, is_demanded = false): void {
  const { method = 'GET', headers } = request;
  if (method === 'GET' || method === 'HEAD') return;
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  if (site === 'same-origin' || site === 'none') return;
  const is_own = origin !== undefined && URL.canParse(origin) && new URL(origin).host === headers.host;
  const is_unknown = origin === undefined && !is_demanded;
  if (site === undefined && (is_unknown || is_own)) return;
  throw refused(`a page of ${origin ?? 'another site'} may not ask for this`, origin ?? '');
}

/** Whether a browser has said where a request comes from. */
export function saysOrigin({ headers }: IncomingMessage): boolean {
  return headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
}

/**
 * A form of somebody else's page can send text, and not JSON.
 * @throws HttpError 415
 */
export function assertJson(request: IncomingMessage): void {
  if (request.method !== 'POST') return;
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return;
  const message = `the body is to be application/json, not ${type === '' ? 'nothing' : type}`;
  throw new HttpError(415, new IcbdError('InvalidArgument', message, { operation: 'check request' }));
}
