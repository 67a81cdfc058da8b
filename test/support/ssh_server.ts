/** An sshd of its own on loopback, with its keys, for platform tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { findProgram } from '../../src/pipeline/program.js';
import { freePort } from './fleet_config.js';
import { until } from './fleet.js';

async function makeKey(file: string): Promise<void> {
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
}

export class SshServer {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.port = port;
  }

  /** Makes its keys and one for a client, whom it lets in, and starts it. */
  static async start(): Promise<SshServer> {
    const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-sshd-'));
    const server = new SshServer(directory, await freePort());
    try {
      await makeKey(server.#file('host_key'));
      await makeKey(server.#file('other_host_key'));
      await makeKey(server.key_file);
      await server.#trust('host_key');
      await server.letIn(true);
      await server.run();
    } catch (error) {
      await server.dispose();
      throw error;
    }
    return server;
  }

  get via(): string {
    return `ssh://${userInfo().username}@127.0.0.1:${this.port}`;
  }

  get key_file(): string {
    return this.#file('client_key');
  }

  get known_hosts_file(): string {
    return this.#file('known_hosts');
  }

  /** Lines for the table `[master]` of a replica. */
  masterLines(via_for: 'all' | 'asked'): string {
    const { via, key_file, known_hosts_file } = this;
    const keys = { via, via_for, ssh_key: key_file, ssh_known_hosts: known_hosts_file };
    return Object.entries(keys)
      .map(([key, value]) => `${key} = "${value}"`)
      .join('\n');
  }

  /** What it has written so far. */
  get log(): string {
    return this.#log;
  }

  /** Times that somebody logged in. */
  get logins(): number {
    return this.#count(/Accepted publickey/g);
  }

  /** Connections that it was asked to forward. */
  get forwarded(): number {
    return this.#count(/server_request_direct_tcpip: originator/g);
  }

  /** Whether clients know its key, or another under its name, or none. */
  async trusted(as: 'itself' | 'another' | 'nobody'): Promise<void> {
    if (as === 'nobody') await writeFile(this.known_hosts_file, '');
    else await this.#trust(as === 'itself' ? 'host_key' : 'other_host_key');
  }

  /** Whether it knows the key of the client. */
  async letIn(is_let_in: boolean): Promise<void> {
    if (is_let_in) await copyFile(`${this.key_file}.pub`, this.#file('authorized_keys'));
    else await writeFile(this.#file('authorized_keys'), '');
  }

  /** Starts it, again if it was stopped. */
  async run(options: { readonly forwards?: boolean } = {}): Promise<void> {
    // sshd drops rights in there, and on Debian its service makes it.
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const lines = [
      'ListenAddress 127.0.0.1',
      `HostKey ${this.#file('host_key')}`,
      `AuthorizedKeysFile ${this.#file('authorized_keys')}`,
      'PidFile none',
      'UsePAM no',
      // The temporary directory is everybody's.
      'StrictModes no',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
      `AllowTcpForwarding ${options.forwards === false ? 'no' : 'yes'}`,
      'LogLevel DEBUG1',
    ];
    await writeFile(this.#file('sshd_config'), lines.join('\n'));
    const sshd = findProgram('sshd') ?? '/usr/sbin/sshd';
    const args = [sshd, '-D', '-e', '-f', this.#file('sshd_config'), '-p', String(this.port)];
    // It ends with this process, however that ends.
    const child = spawn(findProgram('setpriv') ?? 'setpriv', ['--pdeathsig', 'KILL', '--', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      this.#log += chunk.toString();
    });
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`sshd ended:\n${said}`);
        return said.includes('Server listening');
      },
      () => `sshd to listen:\n${said}`,
    );
  }

  /** SIGKILL to every session of it; it goes on to listen. Returns how many there were. */
  async killSessions(): Promise<number> {
    const sessions = await this.#sessions();
    for (const pid of sessions) kill(pid);
    return sessions.length;
  }

  /** Ends it and its sessions. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const sessions = await this.#sessions(child.pid);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    for (const pid of sessions) kill(pid);
  }

  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.#directory, name);
  }

  #count(pattern: RegExp): number {
    return [...this.#log.matchAll(pattern)].length;
  }

  async #trust(key: string): Promise<void> {
    const [kind, text] = (await readFile(this.#file(`${key}.pub`), 'utf8')).split(' ');
    await writeFile(this.known_hosts_file, `[127.0.0.1]:${this.port} ${kind} ${text}\n`);
  }

  /** The listener's children, and theirs. */
  async #sessions(listener = this.#process?.pid): Promise<number[]> {
    const { stdout } = await execa('ps', ['-eo', 'pid=,ppid=']);
    const all = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    const below = (parent: number): number[] =>
      all.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid, ...below(pid)] : []));
    return listener === undefined ? [] : below(listener);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
