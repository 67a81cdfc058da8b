/** Where a name server may be: as configured, on this machine, or wherever a broadcast is answered. */
import { IcbdError } from '../../core/errors.js';
import type { Clock } from '../../core/clock.js';
import { limits } from '../../core/limits.js';
import { askForNameServers, tries_max } from '../../transport/discovery_asker.js';

/** Time for one that was not configured to prove itself, ms: it is near, or it is none. */
const near_link_ms = 3_000;

export interface DiscoverOptions {
  /** Address in the config; tried first. */
  readonly server?: string | undefined;
  /** Looked for if it is set. */
  readonly near?: {
    /** Ports of this machine, in their order. */
    readonly local_ports: readonly number[];
    readonly broadcast_address: string;
    readonly broadcast_port: number;
  };
  /** This node has an authority to check certificates with, so links without TLS are none for it. */
  readonly wants_tls: boolean;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
}

export interface Candidate {
  readonly url: string;
  readonly how: 'configured' | 'local' | 'broadcast';
  /** Time for its link to come up, ms. */
  readonly link_ms: number;
}

/** What became of a candidate, or of a way to find some. */
export interface PassedOver {
  /** The candidate's address, or what was asked. */
  readonly where: string;
  readonly error: IcbdError;
}

/** In their order. What cannot be asked is told to `passOver`, and the next way is tried. */
async function* candidates(
  options: DiscoverOptions,
  passOver: (passed: PassedOver) => void,
  signal: AbortSignal,
): AsyncGenerator<Candidate, void, undefined> {
  const { server, near, wants_tls, clock, randomBytes } = options;
  if (server !== undefined) yield { url: server, how: 'configured', link_ms: limits.handshake_ms };
  if (near === undefined) return;
  for (const port of near.local_ports) {
    const url = `${wants_tls ? 'wss' : 'ws'}://127.0.0.1:${String(port)}`;
    if (url !== server) yield { url, how: 'local', link_ms: near_link_ms };
  }
  const { broadcast_address: address, broadcast_port: port } = near;
  const where = `broadcast to ${address}:${String(port)}`;
  let answers = 0;
  try {
    for await (const { url } of askForNameServers({ address, port, clock, randomBytes, signal })) {
      answers += 1;
      yield { url, how: 'broadcast', link_ms: near_link_ms };
    }
  } catch (thrown) {
    passOver({ where, error: IcbdError.from(thrown, 'find name server') });
    return;
  }
  if (answers > 0 || signal.aborted) return;
  const message = `no answer in ${String(tries_max)} tries`;
  passOver({
    where,
    error: new IcbdError('TimedOut', message, { operation: 'find name server', subject: where }),
  });
}

function assertTls({ url, how }: Candidate, wants_tls: boolean): void {
  // Somebody between could answer without TLS in the place of one that has it, and read along.
  if (how === 'configured' || !wants_tls || url.startsWith('wss:')) return;
  throw new IcbdError('AuthenticationFailed', 'it offers no TLS, and names.tls_ca is set', {
    operation: 'find name server',
    subject: url,
  });
}

function nowhere(passed: readonly PassedOver[]): IcbdError {
  const tried = passed.map(({ where, error }) => `${where}: ${error.message}`).join('; ');
  return new IcbdError('LinkLost', `no name server was found. Tried ${tried}`, {
    operation: 'find name server',
    subject: passed[0]?.where ?? '',
    hint: 'is it up? names.server names its address; broadcasts are answered only where names.broadcast is set',
  });
}

/**
 * Finds a name server: `open` makes an authenticated link to a candidate, and only then it is believed. The first one
 * wins.
 * @param passOver told of each that is not it, and why
 * @throws IcbdError `LinkLost` that says what was tried; `Cancelled`
 */
export async function findNameServer<T>(
  options: DiscoverOptions,
  open: (candidate: Candidate, signal: AbortSignal) => Promise<T>,
  passOver: (passed: PassedOver) => void,
  signal: AbortSignal,
): Promise<T> {
  const passed: PassedOver[] = [];
  const pass = (one: PassedOver): void => {
    passed.push(one);
    passOver(one);
  };
  for await (const candidate of candidates(options, pass, signal)) {
    if (signal.aborted) break;
    try {
      assertTls(candidate, options.wants_tls);
      return await open(candidate, signal);
    } catch (thrown) {
      pass({ where: candidate.url, error: IcbdError.from(thrown, 'find name server', candidate.url) });
    }
  }
  if (!signal.aborted) throw nowhere(passed);
  throw new IcbdError('Cancelled', 'the name server is not looked for any more', {
    operation: 'find name server',
  });
}
