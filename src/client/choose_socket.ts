import { existsSync } from 'node:fs';

/** In the order in which they are looked for. */
const sockets = ['master', 'replica', 'nameserver'].map((role) => `/run/icbdrep/${role}.sock`);

/** Path of the socket to talk to: the option, the environment, or the first that exists of the usual ones. */
export function chooseSocket(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): string {
  if (option !== undefined && option !== '') return option;
  const from_env = env['ICBDREP_SOCKET'] ?? '';
  if (from_env !== '') return from_env;
  return sockets.find((path) => exists(path)) ?? '/run/icbdrep/master.sock';
}
