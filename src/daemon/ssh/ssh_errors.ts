/** What ssh says when it fails, as errors with a hint. */
import { IcbdError } from '../../core/errors.js';
import type { ChildEnd } from '../../pipeline/child.js';
import { type SshCommand, showServer, showTarget } from './ssh_command.js';

/** A usual cause. */
interface Cause {
  readonly pattern: RegExp;
  /** Whether it may go away without an operator. */
  readonly retryable: boolean;
  readonly hint: (command: SshCommand) => string;
}

const compareKeys = ({ server: { host, port }, known_hosts_file }: SshCommand): string =>
  `compare "ssh-keyscan -p ${port} ${host} | ssh-keygen -lf -" with "ssh-keygen -lf" of the keys in /etc/ssh on that ` +
  `machine itself; if they are the same, ssh-keyscan -p ${port} ${host} >> ${known_hosts_file}`;

const causes: readonly Cause[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    retryable: false,
    hint: (command) =>
      `somebody may be in between; remove the old line from ${command.known_hosts_file} only if the server has a new ` +
      `key: ${compareKeys(command)}`,
  },
  { pattern: /host key is known for|Host key verification failed/, retryable: false, hint: compareKeys },
  {
    pattern: /UNPROTECTED PRIVATE KEY FILE|bad permissions/,
    retryable: false,
    hint: ({ key_file }) => `chmod 600 ${key_file}`,
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    retryable: false,
    hint: ({ server: { user, host }, key_file }) =>
      `the public key that belongs to ${key_file} has to stand in authorized_keys of ${user} on ${host}; a key with a ` +
      'passphrase cannot be used',
  },
  {
    pattern: /Could not resolve hostname/,
    retryable: true,
    hint: ({ server: { host } }) => `is ${host} right in master.via, and does the name service know it?`,
  },
  {
    pattern: /Connection refused/,
    retryable: true,
    hint: ({ server: { host, port } }) => `does sshd run on ${host}, and on port ${port}?`,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|not responding/,
    retryable: true,
    hint: ({ server: { host, port } }) =>
      `look at the network and the firewalls on the way to port ${port} of ${host}`,
  },
  {
    pattern: /cannot listen|Could not request local forwarding|unix_listener/i,
    retryable: true,
    hint: ({ socket_path }) => `can ${socket_path} be made?`,
  },
];

/** A line that says that the other end of one connection could not be made; ssh itself goes on. */
export const forward_failed = /^channel \d+: open failed: /;

function tunnelFailed(message: string, command: SshCommand, hint: string, retryable: boolean): IcbdError {
  return new IcbdError('TunnelFailed', message, {
    operation: 'ssh tunnel',
    subject: showServer(command.server),
    hint,
    retryable,
  });
}

const bare = (line: string): string => line.replace(/^@?\s*(WARNING: |ssh: )?|\s*@?$/g, '');

/**
 * Why ssh has ended.
 * @param lines the last that it said
 */
export function errorOfEnd(
  { exit_code, signal }: Pick<ChildEnd, 'exit_code' | 'signal'>,
  lines: readonly string[],
  command: SshCommand,
): IcbdError {
  const own = lines.filter((line) => !forward_failed.test(line) && /\w/.test(line));
  for (const { pattern, retryable, hint } of causes) {
    const said = own.find((line) => pattern.test(line));
    if (said !== undefined) return tunnelFailed(bare(said), command, hint(command), retryable);
  }
  const how = signal === null ? `with exit code ${exit_code}` : `by ${signal}`;
  const said = own.at(-1);
  return tunnelFailed(
    `ssh was ended ${how}${said === undefined ? '' : `: ${bare(said)}`}`,
    command,
    'nothing to do if it was once: it is started again',
    true,
  );
}

/**
 * Why a connection does not get through a tunnel that stands.
 * @param said ssh's line of `forward_failed`, or words of ours
 */
export function errorOfForward(said: string, command: SshCommand): IcbdError {
  const message = said.replace(forward_failed, '');
  const target = showTarget(command.target);
  const { host } = command.server;
  if (/administratively prohibited/.test(message)) {
    const hint = `sshd on ${host} has to allow it: AllowTcpForwarding, PermitOpen ${target}, and the options of the key`;
    return tunnelFailed(`${host} does not forward to ${target}: ${message}`, command, hint, false);
  }
  const hint = `does the master run, and does it listen on ${target} as ${host} sees it?`;
  return tunnelFailed(`${host} does not reach ${target}: ${message}`, command, hint, true);
}
