/** A name server as a process of its own, and links to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControlClient } from '../../src/client/control_client.js';
import type { NameService } from '../../src/core/name_service.js';
import { type OpenLink, openNamesLink } from '../../src/daemon/names/name_server_open.js';
import { RemoteNames } from '../../src/daemon/names/remote_names.js';
import { system_clock } from '../../src/daemon/system_clock.js';
import { findProgram } from '../../src/pipeline/program.js';
import { until } from '../support/fleet.js';
import { freePort } from '../support/fleet_config.js';

const daemon = new URL('../../dist/daemon/icbdrepd.js', import.meta.url).pathname;
/** What handshakes say of streams; nothing here sends any. */
const capabilities = { codecs: [], stream_version_max: 1, btrfs_progs: '', kernel: '' } as const;
const link_ms = 30_000;

/** `icbdrepd nameserver` for some replicas, each with a secret of its own. */
export class StressServer {
  readonly client: ControlClient;
  readonly #directory: string;
  readonly #secrets: ReadonlyMap<string, Buffer>;
  readonly #links: OpenLink[] = [];
  #process: ChildProcess | undefined;

  private constructor(directory: string, secrets: ReadonlyMap<string, Buffer>) {
    this.#directory = directory;
    this.#secrets = secrets;
    this.client = new ControlClient(path.join(directory, 'control.sock'));
  }

  /** Makes the config, and starts it; what it made is removed if that fails. */
  static async start(nodes: readonly string[]): Promise<StressServer> {
    const directory = await mkdtemp(path.join(tmpdir(), `icbdrep-stress-${process.pid}-`));
    const secrets = new Map(nodes.map((node) => [node, Buffer.from(randomBytes(32).toString('base64'))]));
    const server = new StressServer(directory, secrets);
    try {
      await server.#writeConfig();
      await server.launch();
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  /** Starts the process on the state there is, and waits until it answers. */
  async launch(): Promise<void> {
    const log = createWriteStream(path.join(this.#directory, 'log'), { flags: 'a' });
    const command = [process.execPath, daemon, 'nameserver', '--config', this.#file('config.toml')];
    // It ends with this process, however that ends.
    const child = spawn(findProgram('setpriv') ?? 'setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    const tail = (): string => readFileSync(this.#file('log'), 'utf8').slice(-2_000);
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the name server ended:\n${tail()}`);
        return (await this.client.status().catch(() => undefined)) !== undefined;
      },
      () => `the name server to answer:\n${tail()}`,
    );
  }

  /** An authenticated link for each node; `lost` hears of one that ends before `dispose`. */
  async connectAll(lost: (node: string, reason: string) => void): Promise<Map<string, NameService>> {
    const { link_address } = await this.client.status();
    const services = new Map<string, NameService>();
    for (const [node, secret] of this.#secrets) {
      const instance = `instance-${node}`;
      const identity = { node, instance, capabilities, clock: system_clock, randomBytes, secret };
      const candidate = { url: `ws://${link_address}`, how: 'configured', link_ms } as const;
      const link = await openNamesLink(identity, candidate, new AbortController().signal);
      void link.ended.then(({ message }) => {
        if (this.#links.includes(link)) lost(node, message);
      });
      this.#links.push(link);
      services.set(node, new RemoteNames(link.link, system_clock));
    }
    return services;
  }

  closeLinks(): void {
    for (const link of this.#links.splice(0)) link.close();
  }

  /** SIGKILL: nothing that is not on disk is there afterwards. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async dispose(): Promise<void> {
    this.closeLinks();
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.#directory, name);
  }

  /** The port stays the same when it is started again, and so does the server's own entry. */
  async #writeConfig(): Promise<void> {
    const nodes: string[] = [];
    for (const [node, secret] of this.#secrets) {
      const file = this.#file(`${node}.secret`);
      await writeFile(file, secret, { mode: 0o600 });
      nodes.push(`[[nodes]]\nname = "${node}"\nsecret_file = "${file}"\nrole = "replica"\n`);
    }
    const head = `state_dir = "${this.#file('state')}"\n[listen]\nport = ${await freePort()}\n[control]\nsocket = "${this.#file('control.sock')}"\n`;
    await writeFile(this.#file('config.toml'), [head, ...nodes].join('\n'));
  }
}
