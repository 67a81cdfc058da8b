/** Calls to the control API of the master that served the page. */
import { signal } from '@preact/signals';
import { type ErrorReport, IcbdError, isErrorCode } from '../core/errors.js';
import { learnMasterTime } from './clock.js';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Whether the master wants to know who asks: the page then shows nothing but the question. */
export const is_locked = signal(false);

/** One part of a path of the API. */
export function part(text: string): string {
  return encodeURIComponent(text);
}

/** A path of the API with its query; values that are undefined or empty are left out. */
export function apiPath(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    pairs.set(key, typeof value === 'object' ? value.join(',') : String(value));
  }
  return `/v1/${path}${pairs.size === 0 ? '' : `?${pairs.toString()}`}`;
}

/** What a failed answer says, as the error that it is. */
export async function readFailure(response: Response, path: string): Promise<IcbdError> {
  if (response.status === 401) is_locked.value = true;
  const text = await response.text().catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error: ErrorReport };
    const code: string = error.code;
    return isErrorCode(code) ? IcbdError.fromReport(error) : new IcbdError('Internal', error.message, error);
  } catch {
    const code = response.status === 401 ? 'AuthenticationFailed' : 'Internal';
    return new IcbdError(code, `the master answered ${response.status}`, {
      operation: 'call',
      subject: path,
    });
  }
}

/** What a call that had no answer is reported as. */
export function unreachable(thrown: unknown, path: string): IcbdError {
  if (thrown instanceof DOMException && thrown.name === 'AbortError') {
    return new IcbdError('Cancelled', 'the call was given up', { operation: 'call', subject: path });
  }
  return new IcbdError('DaemonNotRunning', 'the master does not answer', {
    operation: 'call',
    subject: path,
    hint: 'it may be restarting, or the network is down; the page goes on by itself when it is back',
    cause: thrown,
  });
}

/**
 * @param path from `/v1/` on, without it; names in it go through `part`
 * @throws IcbdError what the master answered; `DaemonNotRunning` if it did not; `Cancelled` by the signal
 */
export async function call<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { query, body, signal: until }: CallOptions = {},
): Promise<T> {
  try {
    const response = await fetch(apiPath(path, query), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: until ?? null,
    });
    learnMasterTime(response.headers.get('date'));
    if (!response.ok) throw await readFailure(response, path);
    const text = await response.text();
    return (text === '' ? {} : JSON.parse(text)) as T;
  } catch (error) {
    throw error instanceof IcbdError ? error : unreachable(error, path);
  }
}

export function get<T>(path: string, query: Query = {}, until?: AbortSignal): Promise<T> {
  return call('GET', path, { query, signal: until });
}

export function post<T>(path: string, body: unknown = {}): Promise<T> {
  return call('POST', path, { body });
}

/** Opens a session. @throws IcbdError `AuthenticationFailed` if the token is not the right one */
export async function logIn(token: string): Promise<void> {
  await post('session', { token });
  is_locked.value = false;
}

export async function logOut(): Promise<void> {
  await call('DELETE', 'session');
  is_locked.value = true;
}
