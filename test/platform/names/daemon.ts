/** A daemon of any role, as a real process, also in a network namespace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { ControlClient } from '../../../src/client/control_client.js';
import type { NameReport } from '../../../src/core/name_report.js';
import { findProgram } from '../../../src/pipeline/program.js';
import { until } from '../../support/fleet.js';

const built = new URL('../../../dist/', import.meta.url).pathname;

export interface DaemonPlace {
  readonly role: 'master' | 'replica' | 'nameserver';
  readonly name: string;
  /** Of config, secrets, control socket, state and log; made. */
  readonly directory: string;
  /** Words before the command, for example `nsenter`. */
  readonly before?: readonly string[];
}

/** Lines of TOML that every role has, and the lines given. */
function configText({ role, name, directory }: DaemonPlace, lines: readonly string[]): string {
  const state_dir = path.join(directory, 'state');
  const socket = path.join(directory, 'control.sock');
  const first = role === 'nameserver' ? '' : (lines[0] ?? '');
  const rest = role === 'nameserver' ? lines : lines.slice(1);
  return [
    `name = "${name}"`,
    `state_dir = "${state_dir}"`,
    first,
    `[control]\nsocket = "${socket}"`,
    '[log]\nlevel = "debug"',
    ...rest,
  ].join('\n');
}

export class Daemon {
  readonly place: DaemonPlace;
  readonly client: ControlClient;
  #process: ChildProcess | undefined;

  private constructor(place: DaemonPlace) {
    this.place = place;
    this.client = new ControlClient(this.socket);
  }

  /** @param lines of its config; the first one of a node with images holds its mountpoint */
  static async make(place: DaemonPlace, lines: readonly string[]): Promise<Daemon> {
    await mkdir(place.directory, { recursive: true });
    await writeFile(path.join(place.directory, 'config.toml'), configText(place, lines));
    return new Daemon(place);
  }

  get socket(): string {
    return path.join(this.place.directory, 'control.sock');
  }

  get log(): string {
    return readFileSync(path.join(this.place.directory, 'log'), 'utf8');
  }

  async start(): Promise<void> {
    const { role, directory, before = [], name } = this.place;
    const log = createWriteStream(path.join(directory, 'log'), { flags: 'a' });
    const daemon = [process.execPath, `${built}daemon/icbdrepd.js`, role];
    const words = [...before, 'setpriv', '--pdeathsig', 'KILL', '--', ...daemon];
    const [program, ...rest] = [...words, '--config', path.join(directory, 'config.toml')];
    const child = spawn(findProgram(program) ?? program, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    child.stderr.pipe(log);
    await until(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`${name} ended:\n${this.log}`);
        return (await this.client.status().catch(() => undefined)) !== undefined;
      },
      () => `${name} to start`,
    );
  }

  /** Sends a signal to the daemon. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it, and waits until it is gone; returns the exit code. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGCONT');
    child.kill(signal);
    return ended;
  }
}

/** Runs `icbdrepd` with the config of a daemon to its end; returns its exit code and what it said. */
export async function runDaemon(
  { role, directory }: DaemonPlace,
  ...options: readonly string[]
): Promise<{ readonly code: number | undefined; readonly said: string }> {
  const config = path.join(directory, 'config.toml');
  const command = [`${built}daemon/icbdrepd.js`, role, '--config', config, ...options];
  const { exitCode, all } = await execa(process.execPath, command, { reject: false, all: true });
  return { code: exitCode, said: all };
}

/** Makes a secret that two nodes share; returns its file. */
export async function makeSecret(file: string): Promise<string> {
  await writeFile(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return file;
}

/** What `icbdrep ns list` says at a daemon. */
export async function nsList(socket: string): Promise<NameReport[]> {
  const command = [`${built}cli/icbdrep.js`, '--socket', socket, '--json', 'ns', 'list'];
  const { stdout } = await execa(process.execPath, command);
  return JSON.parse(stdout) as NameReport[];
}
