import { readFileSync } from 'node:fs';
import { IcbdError } from '../core/errors.js';
import { chooseSocket } from './choose_socket.js';
import { type DaemonAddress, checkUrl } from './daemon_address.js';

/** What an operator says about which daemon to talk to. */
export interface DaemonChoice {
  /** Path of its unix socket. */
  readonly socket?: string | undefined;
  /** Where it listens for TCP. */
  readonly url?: string | undefined;
  /** A copy of its token file. */
  readonly tokenFile?: string | undefined;
  /** Certificates to trust besides those of the system. */
  readonly caFile?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new IcbdError('InvalidArgument', `${what} cannot be read: ${(cause as Error).message}`, {
      operation: 'find daemon',
      subject: file,
      cause,
    });
  }
}

/**
 * The daemon to talk to: what the options say, or what ICBDREP_URL or ICBDREP_SOCKET say, or the first socket of the
 * usual ones that is there. The token and the certificates come from files, so that no list of processes shows them.
 * @throws IcbdError `InvalidArgument`
 */
export function chooseDaemon(
  { socket, url, tokenFile, caFile }: DaemonChoice,
  env: Environment,
): DaemonAddress {
  const wanted = given(url) ?? (given(socket) === undefined ? given(env['ICBDREP_URL']) : undefined);
  if (given(url) !== undefined && given(socket) !== undefined) {
    throw new IcbdError('InvalidArgument', '--socket and --url name two daemons', {
      operation: 'find daemon',
      hint: 'leave one of them out',
    });
  }
  if (wanted === undefined) return chooseSocket(socket, env);
  const token_file = given(tokenFile) ?? given(env['ICBDREP_TOKEN_FILE']);
  const ca_file = given(caFile) ?? given(env['ICBDREP_CA_FILE']);
  return {
    url: checkUrl(wanted),
    token: token_file === undefined ? undefined : read(token_file, 'the token').trim(),
    ca: ca_file === undefined ? undefined : read(ca_file, 'the certificate'),
  };
}

/** The environment in which commands without options of their own find the same daemon. */
export function environmentFor(
  { socket, url, tokenFile, caFile }: DaemonChoice,
  env: Environment,
): Environment {
  const chosen = {
    ...(given(socket) === undefined ? {} : { ICBDREP_SOCKET: socket, ICBDREP_URL: '' }),
    ...(given(url) === undefined ? {} : { ICBDREP_URL: url }),
    ...(given(tokenFile) === undefined ? {} : { ICBDREP_TOKEN_FILE: tokenFile }),
    ...(given(caFile) === undefined ? {} : { ICBDREP_CA_FILE: caFile }),
  };
  return { ...env, ...chosen };
}
