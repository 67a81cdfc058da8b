import { chooseSocket } from '../client/choose_socket.js';
import { ControlClient } from '../client/control_client.js';

export interface ConnectOptions {
  /** Path of the daemon's socket; default: `ICBDREP_SOCKET`, or the one in /run/icbdrep. */
  readonly socket?: string;
}

/**
 * A client of a daemon on this machine: a master, a replica or a name server.
 *
 * Nothing is opened before the first call, and nothing is left open after one: a daemon may be restarted between two.
 * Every method returns a promise, takes an `AbortSignal` in its options, and rejects with an `IcbdError`, whose `code`
 * is a promise, as are those of the command line.
 */
export function connect({ socket }: ConnectOptions = {}): ControlClient {
  return new ControlClient(chooseSocket(socket, process.env));
}
