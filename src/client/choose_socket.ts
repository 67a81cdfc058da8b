import { existsSync } from 'node:fs';

const master_socket = '/run/icbdrep/master.sock';
const replica_socket = '/run/icbdrep/replica.sock';

/** Path of the socket to talk to: the option, the environment, the master's, or the replica's if only that exists. */
export function chooseSocket(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): string {
  if (option !== undefined && option !== '') return option;
  const from_env = env['ICBDREP_SOCKET'] ?? '';
  if (from_env !== '') return from_env;
  return !exists(master_socket) && exists(replica_socket) ? replica_socket : master_socket;
}
