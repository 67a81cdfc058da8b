/** One authenticated link to a name server, or none. */
import { type ErrorReport, IcbdError } from '../../core/errors.js';
import type { ControlLink } from '../../core/link.js';
import { type LinkClientOptions, createLinkClient } from '../../transport/link_client.js';
import type { Candidate } from './discover.js';

/** Who this node is to name servers. */
export interface NameIdentity
  extends Pick<LinkClientOptions, 'node' | 'instance' | 'capabilities' | 'clock' | 'randomBytes' | 'secret'> {
  /** PEM of the authority that signed the name server's certificate. */
  readonly tls_ca?: Buffer | undefined;
}

export interface OpenLink {
  readonly link: ControlLink;
  /** Fulfilled when it is down. */
  readonly ended: Promise<ErrorReport>;
  readonly close: () => void;
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: IcbdError) => void;
}

function defer<T>(): Deferred<T> {
  let settle: Pick<Deferred<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as unknown as Pick<Deferred<T>, 'resolve' | 'reject'>) };
}

/** A name server has nothing to ask its nodes. */
function refuse(url: string, method: string): never {
  throw new IcbdError('NotPermitted', `a name server may not ask for ${method}`, {
    operation: 'answer request',
    subject: url,
  });
}

/** Links to a candidate, once. @throws IcbdError why that cannot be done; `TimedOut`; `Cancelled` */
export async function openNamesLink(
  { tls_ca, ...identity }: NameIdentity,
  { url, link_ms }: Pick<Candidate, 'url' | 'link_ms'>,
  signal: AbortSignal,
): Promise<OpenLink> {
  const up = defer<ControlLink>();
  const down = defer<ErrorReport>();
  const fail = (code: 'TimedOut' | 'Cancelled', message: string): void =>
    up.reject(new IcbdError(code, message, { operation: 'names link', subject: url }));
  const client = createLinkClient({
    ...identity,
    ...(tls_ca === undefined ? {} : { tls_ca }),
    url,
    purpose: 'names',
    handlers: {
      onUp: up.resolve,
      onDown: (_link, reason) => down.resolve(reason),
      onMessage: () => undefined,
      onAcknowledged: () => undefined,
      onRequest: (_link, { method }) => refuse(url, method),
    },
    log: (entry) => {
      if (entry.kind === 'dial_failed') up.reject(IcbdError.fromReport(entry.error));
    },
  });
  const onAbort = (): void => fail('Cancelled', 'not wanted any more');
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = identity.clock.after(link_ms, () => fail('TimedOut', `no link in ${String(link_ms)} ms`));
  client.start();
  const close = (): void => client.stop();
  try {
    return { link: await up.promise, ended: down.promise, close };
  } catch (error) {
    close();
    throw error;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
