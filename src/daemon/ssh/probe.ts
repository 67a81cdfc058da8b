/** Whether a tunnel leads anywhere, found out by going through it. */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/**
 * `absent`: nobody listens on the socket. `closed`: the connection ended without a sign of life from the other side.
 * `silent`: there was none in time.
 */
export type Probed = 'absent' | 'answered' | 'closed' | 'silent';

const absent_codes = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Connects through a unix socket to a server of links, and waits for a sign of life from it. Who it is, is for the
 * handshake of a link to find out.
 */
export function probe(socket_path: string, is_tls: boolean, timeout_ms: number): Promise<Probed> {
  return new Promise((resolve) => {
    // No trust is placed in what answers: nothing is told to it, and nothing is taken from it.
    const socket = is_tls
      ? connectTls({ path: socket_path, rejectUnauthorized: false })
      : connect({ path: socket_path });
    const settle = (outcome: Probed): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeout_ms, () => settle('silent'));
    socket.once('close', () => settle('closed'));
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      settle(absent_codes.has(code) ? 'absent' : 'closed');
    });
    if (is_tls) {
      socket.once('secureConnect', () => settle('answered'));
    } else {
      socket.once('data', () => settle('answered'));
      socket.write('GET / HTTP/1.1\r\nHost: tunnel\r\nConnection: close\r\n\r\n');
    }
  });
}
