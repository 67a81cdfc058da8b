import { checkUrl } from '../client/daemon_address.js';
import { chooseSocket } from '../client/choose_socket.js';
import { ControlClient } from '../client/control_client.js';

export interface ConnectOptions {
  /** Path of the daemon's socket; default: `ICBDREP_SOCKET`, or the one in /run/icbdrep. */
  readonly socket?: string;
  /** A daemon elsewhere instead: `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url?: string;
  /** What stands in the token file of that daemon. */
  readonly token?: string;
  /** Certificates to trust, PEM; default: those of the system. */
  readonly ca?: string;
}

/**
 * A client of a daemon: a master, a replica or a name server; of this machine, unless a url is given.
 *
 * Nothing is opened before the first call, and nothing is left open after one: a daemon may be restarted between two.
 * Every method returns a promise, takes an `AbortSignal` in its options, and rejects with an `IcbdError`, whose `code`
 * is a promise, as are those of the command line.
 * @throws IcbdError `InvalidArgument` for what is no such url
 */
export function connect({ socket, url, token, ca }: ConnectOptions = {}): ControlClient {
  if (url === undefined) return new ControlClient(chooseSocket(socket, process.env));
  return new ControlClient({ url: checkUrl(url), token, ca });
}
