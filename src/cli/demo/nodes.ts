import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { ControlClient } from '../../client/control_client.js';
import { IcbdError } from '../../core/errors.js';
import { type Workspace, notePid } from './workspace.js';

export interface DemoNode {
  readonly role: 'master' | 'replica';
  readonly name: string;
  readonly mountpoint: string;
  readonly config_file: string;
  readonly log_file: string;
  readonly socket: string;
  readonly client: ControlClient;
}

export const daemon_program = fileURLToPath(new URL('../../daemon/icbdrepd.js', import.meta.url));

/** Sparse: it takes only what is written. */
const filesystem_bytes = 6 * 1024 ** 3;
/** Longest path of a unix socket, in bytes: sizeof(sun_path) of Linux, with its NUL. */
const socket_path_bytes_max = 107;

/** Makes and mounts a btrfs of its own for the node. */
export async function makeNode(
  workspace: Workspace,
  role: DemoNode['role'],
  name: string,
  signal: AbortSignal,
): Promise<DemoNode> {
  const directory = join(workspace.directory, name);
  const socket = join(directory, 'control.sock');
  if (Buffer.byteLength(socket) > socket_path_bytes_max) {
    throw new IcbdError('InvalidArgument', `${socket} is too long for a unix socket`, {
      operation: 'demo',
      subject: socket,
      hint: 'set TMPDIR to a shorter path',
    });
  }
  const mountpoint = join(directory, 'mnt');
  const backing_file = join(directory, 'btrfs.img');
  mkdirSync(mountpoint, { recursive: true });
  await writeFile(backing_file, '');
  await truncate(backing_file, filesystem_bytes);
  await execa('mkfs.btrfs', ['--quiet', '--label', name, backing_file], { cancelSignal: signal });
  await execa('mount', ['-t', 'btrfs', '-o', 'loop', backing_file, mountpoint], { cancelSignal: signal });
  return {
    role,
    name,
    mountpoint,
    socket,
    config_file: join(directory, 'config.toml'),
    log_file: join(directory, 'daemon.log'),
    client: new ControlClient(socket),
  };
}

const toml = (text: string): string => JSON.stringify(text);

function commonConfig(node: DemoNode, directory: string): string {
  return `name = ${toml(node.name)}
mountpoint = ${toml(node.mountpoint)}
state_dir = ${toml(join(directory, node.name, 'state'))}
`;
}

/** Writes a secret that the nodes in whose configs it stands share; returns its path. */
function writeSecret(directory: string, name: string): string {
  const file = join(directory, `${name}.secret`);
  writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return file;
}

/** Name of the secret that the page asks for. */
const page_token = 'page';

/** What the page asks for. */
export function readPageToken({ directory }: Workspace): string {
  return readFileSync(join(directory, `${page_token}.secret`), 'utf8').trim();
}

/** Writes the master's config, with a fresh secret for each replica; it listens on any free port. */
export function writeMasterConfig(
  { directory }: Workspace,
  master: DemoNode,
  replicas: readonly DemoNode[],
): void {
  const tables = replicas.map(
    ({ name }, index) => `
[[replicas]]
id = ${index + 1}
name = ${toml(name)}
secret_file = ${toml(writeSecret(directory, name))}
`,
  );
  const text = `${commonConfig(master, directory)}
[listen]
host = "127.0.0.1"
port = 0

[control]
socket = ${toml(master.socket)}
listen = "127.0.0.1:0"
token_file = ${toml(writeSecret(directory, page_token))}
${tables.join('')}`;
  writeFileSync(master.config_file, text);
}

/** @param link_address `host:port` of the master, as its status says */
export function writeReplicaConfig({ directory }: Workspace, replica: DemoNode, link_address: string): void {
  const text = `${commonConfig(replica, directory)}
[master]
url = ${toml(`ws://${link_address}`)}
secret_file = ${toml(join(directory, `${replica.name}.secret`))}

[control]
socket = ${toml(replica.socket)}

# The default is 256; but the demo's image is small.
[transfers]
checkpoint_mib = 32
`;
  writeFileSync(replica.config_file, text);
}

/** Starts the node's daemon as a process of its own; what it logs is appended to the node's log. */
export function startDaemon(workspace: Workspace, node: DemoNode): ChildProcess & { readonly pid: number } {
  const log = openSync(node.log_file, 'a');
  // In its own session: Ctrl-C is for the demo, which stops its daemons in order; with --keep they stay.
  const child = spawn(process.execPath, [daemon_program, node.role, '--config', node.config_file], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  if (child.pid === undefined) {
    throw new IcbdError('ProcessFailed', 'the daemon could not be started', {
      operation: 'demo',
      subject: daemon_program,
    });
  }
  notePid(workspace, node.name, child.pid);
  return child as ChildProcess & { readonly pid: number };
}

/** The last lines of the node's log that tell of trouble. */
export function troubleOf(node: DemoNode, lines_max: number): string[] {
  let lines: string[];
  try {
    lines = readFileSync(node.log_file, 'utf8').split('\n');
  } catch {
    return [];
  }
  // pino: 40 is warn, 50 error, 60 fatal. What Node prints of a crash is no JSON; its stack helps nobody here.
  const trouble = lines.filter((line) =>
    line.startsWith('{')
      ? /"level":("(warn|error|fatal)"|[456]0\b)/.test(line)
      : !/^\s+at |^Node\.js |^\s*$/.test(line),
  );
  return trouble.slice(-lines_max);
}
