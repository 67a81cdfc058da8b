/** A master and replicas as real processes on real btrfs, for platform tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { execa } from 'execa';
import { ControlClient } from '../../src/client/control_client.js';
import type { TransferReport } from '../../src/core/report.js';
import { type LoopFs, makeLoopFs } from './loopfs.js';

const daemon = new URL('../../dist/daemon/icbdrepd.js', import.meta.url).pathname;

export interface NodeOptions {
  /** Lines of TOML that come before the first table. */
  readonly top?: string;
  /** Lines of the table `[transfers]`. */
  readonly transfers?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface FleetOptions {
  readonly replicas?: number;
  readonly size_mb?: number;
  readonly mount_options?: string;
  readonly on?: 'tmpfs' | 'disk';
  readonly master?: NodeOptions;
  readonly replica?: NodeOptions;
  /** Links over TLS, with a certificate of its own. */
  readonly tls?: boolean;
}

/** One daemon: started, killed and started again on the same state. */
export class FleetNode {
  readonly name: string;
  readonly role: 'master' | 'replica';
  readonly fs: LoopFs;
  readonly directory: string;
  readonly client: ControlClient;
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  constructor(
    role: 'master' | 'replica',
    name: string,
    fs: LoopFs,
    directory: string,
    env: Readonly<Record<string, string>>,
  ) {
    this.role = role;
    this.name = name;
    this.fs = fs;
    this.directory = directory;
    this.#env = env;
    this.client = new ControlClient(this.socket);
  }

  get socket(): string {
    return path.join(this.directory, 'control.sock');
  }

  get config_file(): string {
    return path.join(this.directory, 'config.toml');
  }

  get database_file(): string {
    return path.join(this.directory, 'state', 'state.db');
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** The end of its log. */
  logTail(lines = 40): string {
    return readFileSync(path.join(this.directory, 'log'), 'utf8').split('\n').slice(-lines).join('\n');
  }

  /** Starts it, and waits until its control API answers. */
  async start(): Promise<void> {
    const log = createWriteStream(path.join(this.directory, 'log'), { flags: 'a' });
    const child = spawn(process.execPath, [daemon, this.role, '--config', this.config_file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#env },
    });
    this.#process = child;
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`${this.name} ended:\n${this.logTail()}`);
        return (await this.client.status().catch(() => undefined)) !== undefined;
      },
      () => `${this.name} to start:\n${this.logTail()}`,
    );
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and waits; returns the exit code. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Rows of its state database, read beside the daemon. */
  query<T>(sql: string): T[] {
    const database = new BetterSqlite(this.database_file, { readonly: true, timeout: 10_000 });
    try {
      return database.prepare(sql).all() as T[];
    } finally {
      database.close();
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const code = await ended;
    clearTimeout(late);
    return code;
  }
}

/** Polls until `holds`; fails after `timeout_ms` with what was waited for. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  what: () => string,
  timeout_ms = 60_000,
): Promise<void> {
  const end_ms = performance.now() + timeout_ms;
  while (!(await holds())) {
    if (performance.now() > end_ms) throw new Error(`waited ${timeout_ms} ms for ${what()}`);
    await sleep(25);
  }
}

async function makeCertificate(certificate: string, key: string): Promise<void> {
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await execa('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
}

async function writeConfigs(
  directory: string,
  mountpoints: { readonly master: string; readonly replicas: readonly string[] },
  port: number,
  options: FleetOptions,
): Promise<void> {
  const names = mountpoints.replicas.map((_, index) => `r${index + 1}`);
  const nodeLines = (name: string, mountpoint: string, node: NodeOptions | undefined): string[] => [
    `name = "${name}"`,
    `mountpoint = "${mountpoint}"`,
    `state_dir = "${path.join(directory, name, 'state')}"`,
    node?.top ?? '',
    `[control]\nsocket = "${path.join(directory, name, 'control.sock')}"`,
    `[transfers]\n${node?.transfers ?? ''}`,
    '[log]\nlevel = "debug"',
  ];
  const certificate = path.join(directory, 'certificate.pem');
  const key = path.join(directory, 'key.pem');
  if (options.tls === true) await makeCertificate(certificate, key);
  for (const name of ['master', ...names]) await mkdir(path.join(directory, name));
  for (const name of names) {
    await writeFile(path.join(directory, `${name}.secret`), randomBytes(32).toString('hex'), { mode: 0o600 });
  }
  const master = [
    ...nodeLines('master', mountpoints.master, options.master),
    `[listen]\nhost = "127.0.0.1"\nport = ${port}`,
    options.tls === true ? `tls_cert = "${certificate}"\ntls_key = "${key}"` : '',
    ...names.map(
      (name, index) =>
        `[[replicas]]\nid = ${index + 1}\nname = "${name}"\nsecret_file = "${path.join(directory, `${name}.secret`)}"`,
    ),
  ];
  await writeFile(path.join(directory, 'master', 'config.toml'), master.join('\n'));
  for (const [index, name] of names.entries()) {
    const secret_file = path.join(directory, `${name}.secret`);
    const replica = [
      ...nodeLines(name, mountpoints.replicas[index] ?? '', options.replica),
      `[master]\nsecret_file = "${secret_file}"`,
      options.tls === true
        ? `url = "wss://127.0.0.1:${port}"\ntls_ca = "${certificate}"`
        : `url = "ws://127.0.0.1:${port}"`,
    ];
    await writeFile(path.join(directory, name, 'config.toml'), replica.join('\n'));
  }
}

/** A port of loopback that is free now. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Makes and starts a fleet, and waits until every replica is online. */
export class Fleet {
  readonly master: FleetNode;
  readonly replicas: readonly FleetNode[];
  readonly directory: string;

  private constructor(directory: string, master: FleetNode, replicas: readonly FleetNode[]) {
    this.directory = directory;
    this.master = master;
    this.replicas = replicas;
  }

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-fleet-'));
    const count = options.replicas ?? 1;
    const made: LoopFs[] = [];
    try {
      for (let index = 0; index <= count; index += 1) {
        const { size_mb = 1_024, mount_options, on } = options;
        const loop_options = { size_mb, ...(mount_options === undefined ? {} : { mount_options }) };
        made.push(await makeLoopFs({ ...loop_options, ...(on === undefined ? {} : { on }) }));
      }
      const [master_fs, ...replica_fs] = made as [LoopFs, ...LoopFs[]];
      const mountpoints = {
        master: master_fs.mountpoint,
        replicas: replica_fs.map((fs) => fs.mountpoint),
      };
      await writeConfigs(directory, mountpoints, await freePort(), options);
      const nodeDirectory = (name: string): string => path.join(directory, name);
      const master = new FleetNode(
        'master',
        'master',
        master_fs,
        nodeDirectory('master'),
        options.master?.env ?? {},
      );
      const replicas = replica_fs.map((fs, index) => {
        const name = `r${index + 1}`;
        return new FleetNode('replica', name, fs, nodeDirectory(name), options.replica?.env ?? {});
      });
      const fleet = new Fleet(directory, master, replicas);
      try {
        await fleet.#startAll();
      } catch (error) {
        await fleet.dispose();
        throw error;
      }
      return fleet;
    } catch (error) {
      await Promise.all(made.map((fs) => fs.dispose()));
      throw error;
    }
  }

  get nodes(): readonly FleetNode[] {
    return [this.master, ...this.replicas];
  }

  replica(index: number): FleetNode {
    const node = this.replicas[index];
    if (node === undefined) throw new Error(`no replica ${index}`);
    return node;
  }

  async untilOnline(): Promise<void> {
    await until(
      async () => {
        const reports = await this.master.client.replicas().catch(() => []);
        return reports.length > 0 && reports.every(({ state }) => state === 'online');
      },
      () => `all replicas online:\n${this.replicas.map((node) => node.logTail(10)).join('\n')}`,
    );
  }

  /** Waits until all transfers are settled; returns them, oldest first. */
  async untilSettled(timeout_ms = 120_000): Promise<TransferReport[]> {
    let transfers: TransferReport[] = [];
    await until(
      async () => {
        transfers = await this.master.client.transfers({ limit: 10_000 }).catch(() => []);
        return transfers.length > 0 && transfers.every(({ settled }) => settled);
      },
      () =>
        `transfers to settle: ${JSON.stringify(
          transfers
            .filter(({ settled }) => !settled)
            .map(({ id, state, last_error }) => ({ id, state, last_error })),
        )}\n${this.master.logTail()}`,
      timeout_ms,
    );
    return transfers.toReversed();
  }

  /** Makes an image with a writable source on the master, added on all nodes; returns the source's path. */
  async addImage(name: string): Promise<string> {
    const directory = path.join(this.master.fs.mountpoint, name);
    await mkdir(directory);
    const source = path.join(directory, 'live');
    await execa('btrfs', ['subvolume', 'create', source]);
    await this.master.client.addImage({ name });
    for (const replica of this.replicas) await this.master.client.addImage({ name, node: replica.name });
    return source;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await Promise.all(this.nodes.map((node) => node.fs.dispose()));
    await rm(this.directory, { recursive: true, force: true });
  }

  async #startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.untilOnline();
  }
}
