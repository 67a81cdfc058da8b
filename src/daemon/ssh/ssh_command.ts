/** The command line of the ssh client, and where its end of the tunnel lies. */
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Where to log in. */
export interface SshServer {
  readonly user: string;
  readonly host: string;
  readonly port: number;
}

/** What the ssh server is to connect to. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
  /** Whether TLS is spoken there. */
  readonly is_tls: boolean;
}

export interface SshCommand {
  readonly server: SshServer;
  readonly key_file: string;
  readonly known_hosts_file: string;
  /** Path of the unix socket that leads to the target. */
  readonly socket_path: string;
  readonly target: TunnelTarget;
}

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');
const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** @param via `ssh://USER@HOST` or `ssh://USER@HOST:PORT`, as the config has checked it */
export function parseVia(via: string): SshServer {
  const {
    user = '',
    host = '',
    port = '22',
  } = /^ssh:\/\/(?<user>[^@]+)@(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(via)?.groups ?? {};
  return { user, host: unbracketed(host), port: Number(port) };
}

/** @param url `ws://HOST:PORT` or `wss://HOST:PORT` */
export function targetOf(url: string): TunnelTarget {
  const { protocol, hostname, port } = new URL(url);
  const is_tls = protocol === 'wss:';
  return { host: unbracketed(hostname), port: port === '' ? (is_tls ? 443 : 80) : Number(port), is_tls };
}

export function showServer({ user, host, port }: SshServer): string {
  return `ssh://${user}@${bracketed(host)}:${port}`;
}

export function showTarget({ host, port }: TunnelTarget): string {
  return `${bracketed(host)}:${port}`;
}

/** ssh replaces `%` and a letter in paths. */
const literal = (file: string): string => file.replaceAll('%', '%%');

/**
 * Nothing but this command line counts: no configuration file, no agent, no terminal, no question. Host keys are those
 * of the given file.
 */
export function sshArguments(command: SshCommand): string[] {
  const { server, key_file, known_hosts_file, socket_path, target } = command;
  const settings = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile="${literal(known_hosts_file)}"`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'PreferredAuthentications=publickey',
    'PasswordAuthentication=no',
    'KbdInteractiveAuthentication=no',
    'ForwardAgent=no',
    'ForwardX11=no',
    'ControlMaster=no',
    'ControlPath=none',
    'RequestTTY=no',
    'EscapeChar=none',
    'ConnectTimeout=10',
    'ServerAliveInterval=10',
    'ServerAliveCountMax=3',
    'ExitOnForwardFailure=yes',
    'StreamLocalBindUnlink=yes',
    'StreamLocalBindMask=0177',
    'LogLevel=INFO',
  ];
  const fields: readonly (readonly string[])[] = [
    ['-F', 'none'],
    ['-N', '-T'],
    ...settings.map((setting) => ['-o', setting]),
    ['-i', literal(key_file)],
    ['-L', `${socket_path}:${bracketed(target.host)}:${target.port}`],
    ['-l', server.user],
    ['-p', String(server.port)],
    ['--', server.host],
  ];
  return fields.flat();
}

/** Of 108 that the kernel takes, one is the end, and some are ssh's. */
const socket_path_bytes_max = 100;

/** ssh reads colons, backslashes, `%` and `$` in the path in its own way. */
const isUsable = (file: string): boolean =>
  Buffer.byteLength(file) <= socket_path_bytes_max && /^[\w./-]+$/.test(file);

/** Where the socket of the tunnel lies. */
export interface SocketPlace {
  readonly socket_path: string;
  /** Its directory, if it is for this socket alone and has to be made. */
  readonly own_directory?: string;
}

/** In the state directory; in a directory of the system if that path is too long, or none that ssh takes as it is. */
export function socketPlace(state_dir: string): SocketPlace {
  const usual = path.join(state_dir, 'tunnel.sock');
  if (isUsable(usual)) return { socket_path: usual };
  const hash = createHash('sha256').update(state_dir).digest('hex').slice(0, 16);
  const base = isUsable(tmpdir()) && tmpdir().length < 50 ? tmpdir() : '/tmp';
  const own_directory = path.join(base, `icbdrep-tunnel-${hash}`);
  return { socket_path: path.join(own_directory, 'tunnel.sock'), own_directory };
}
