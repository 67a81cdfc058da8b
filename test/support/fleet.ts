/** A master and replicas as real processes on real btrfs, for platform tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite from 'better-sqlite3';
import { execa } from 'execa';
import { ControlClient } from '../../src/client/control_client.js';
import type { TransferReport } from '../../src/core/report.js';
import { findProgram } from '../../src/pipeline/program.js';
import { FaultProxy } from './fault_proxy.js';
import { type FleetOptions, type NodeFs, type NodePlace, freePort, writeConfigs } from './fleet_config.js';
import { makeLoopFs } from './loopfs.js';

const daemon = new URL('../../dist/daemon/icbdrepd.js', import.meta.url).pathname;

/** One daemon: started, killed and started again on the same state. */
export class FleetNode {
  readonly name: string;
  readonly role: 'master' | 'replica';
  readonly fs: NodeFs;
  readonly directory: string;
  readonly state_dir: string;
  readonly client: ControlClient;
  readonly #env: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  constructor(
    role: 'master' | 'replica',
    place: NodePlace,
    fs: NodeFs,
    env: Readonly<Record<string, string>>,
  ) {
    this.role = role;
    this.name = place.name;
    this.fs = fs;
    this.directory = place.directory;
    this.state_dir = place.state_dir;
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
    return path.join(this.state_dir, 'state.db');
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Where a snapshot of it lies. */
  snapshotPath(image: string, number: string): string {
    return path.join(this.fs.mountpoint, image, number);
  }

  /** The end of its log. */
  logTail(lines = 40): string {
    return readFileSync(path.join(this.directory, 'log'), 'utf8').split('\n').slice(-lines).join('\n');
  }

  /** Starts it, and waits until its control API answers. */
  async start(): Promise<void> {
    const child = this.launch();
    await until(
      async () => {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`${this.name} ended:\n${this.logTail()}`);
        }
        return (await this.client.status().catch(() => undefined)) !== undefined;
      },
      () => `${this.name} to start:\n${this.logTail()}`,
    );
  }

  /** Starts it, and waits for nothing. */
  launch(): ChildProcess {
    const log = createWriteStream(path.join(this.directory, 'log'), { flags: 'a' });
    const command = [process.execPath, daemon, this.role, '--config', this.config_file];
    // It ends with this process, however that ends.
    const child = spawn(findProgram('setpriv') ?? 'setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#env },
    });
    this.#process = child;
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    return child;
  }

  /** Waits until it ends by itself; returns its exit code. */
  async untilEnded(timeout_ms = 30_000): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) throw new Error(`${this.name} does not run`);
    await until(
      () => child.exitCode !== null || child.signalCode !== null,
      () => `${this.name} to end:\n${this.logTail()}`,
      timeout_ms,
    );
    this.#process = undefined;
    return child.exitCode;
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

/** What a fleet is made of before its daemons run. */
interface Made {
  readonly directory: string;
  readonly filesystems: NodeFs[];
  readonly proxies: FaultProxy[];
}

async function disposeOf({ directory, filesystems, proxies }: Made): Promise<void> {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all(filesystems.map((fs) => fs.dispose()));
  await rm(directory, { recursive: true, force: true });
}

async function makeFilesystem(options: FleetOptions): Promise<NodeFs> {
  const { size_mb = 1_024, mount_options, on } = options;
  return makeLoopFs({
    size_mb,
    ...(mount_options === undefined ? {} : { mount_options }),
    ...(on === undefined ? {} : { on }),
  });
}

async function makeNodes(made: Made, options: FleetOptions): Promise<[FleetNode, ...FleetNode[]]> {
  const nodes: FleetNode[] = [];
  const places: NodePlace[] = [];
  for (let index = 0; index <= (options.replicas ?? 1); index += 1) {
    const role = index === 0 ? 'master' : 'replica';
    const name = index === 0 ? 'master' : `r${index}`;
    const given = options.filesystems?.[name];
    const fs = given ?? (await makeFilesystem(options));
    if (given === undefined) made.filesystems.push(fs);
    const directory = path.join(made.directory, name);
    const state_dir = options.state_dirs?.[name] ?? path.join(directory, 'state');
    const place = { name, mountpoint: fs.mountpoint, state_dir, directory };
    places.push(place);
    nodes.push(new FleetNode(role, place, fs, options[role]?.env ?? {}));
  }
  const port = await freePort();
  const dialled: number[] = [];
  for (let index = 1; index < places.length; index += 1) {
    if (options.has_proxies === true) made.proxies.push(await FaultProxy.listen(port));
    dialled.push(made.proxies.at(-1)?.port ?? port);
  }
  const [master, ...replicas] = places as [NodePlace, ...NodePlace[]];
  await writeConfigs(made.directory, { master, replicas }, { master: port, dialled }, options);
  return nodes as [FleetNode, ...FleetNode[]];
}

/** Makes and starts a fleet, and waits until every replica is online. */
export class Fleet {
  readonly master: FleetNode;
  readonly replicas: readonly FleetNode[];
  readonly #made: Made;

  private constructor(made: Made, master: FleetNode, replicas: readonly FleetNode[]) {
    this.#made = made;
    this.master = master;
    this.replicas = replicas;
  }

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const fleet = await Fleet.make(options);
    try {
      await fleet.startAll();
    } catch (error) {
      await fleet.dispose();
      throw error;
    }
    return fleet;
  }

  /** The same, but nothing runs yet. */
  static async make(options: FleetOptions = {}): Promise<Fleet> {
    const made: Made = {
      directory: await mkdtemp(path.join(tmpdir(), 'icbdrep-fleet-')),
      filesystems: Object.values(options.filesystems ?? {}),
      proxies: [],
    };
    try {
      const [master, ...replicas] = await makeNodes(made, options);
      return new Fleet(made, master, replicas);
    } catch (error) {
      await disposeOf(made);
      throw error;
    }
  }

  get directory(): string {
    return this.#made.directory;
  }

  get nodes(): readonly FleetNode[] {
    return [this.master, ...this.replicas];
  }

  get proxies(): readonly FaultProxy[] {
    return this.#made.proxies;
  }

  replica(index: number): FleetNode {
    const node = this.replicas[index];
    if (node === undefined) throw new Error(`no replica ${index}`);
    return node;
  }

  /** What stands between that replica and the master. */
  proxy(index: number): FaultProxy {
    const proxy = this.proxies[index];
    if (proxy === undefined) throw new Error(`no proxy ${index}`);
    return proxy;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
    await this.untilOnline();
  }

  async untilOnline(): Promise<void> {
    await until(
      async () => {
        const reports = await this.master.client.replicas.list().catch(() => []);
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
        transfers = await this.master.client.transfers.list({ limit: 10_000 }).catch(() => []);
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
    await this.master.client.images.add({ name });
    for (const replica of this.replicas) await this.master.client.images.add({ name, node: replica.name });
    return source;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await disposeOf(this.#made);
  }
}
