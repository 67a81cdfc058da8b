import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { protocol_version } from '../../../src/core/limits.js';
import { until } from '../../support/fleet.js';
import { type LoopFs, makeLoopFs } from '../../support/loopfs.js';
import { Daemon, makeSecret } from './daemon.js';
import { type Host, TestNetwork } from './namespaces.js';

const here = (file: string): string => new URL(file, import.meta.url).pathname;

interface Heard {
  readonly asked_by?: string;
  readonly nonce?: string;
  readonly bytes?: number;
  readonly link_from?: string;
  readonly ready?: boolean;
}

/** A process that hears broadcasts on a host, and answers them with lies unless it is silent. */
class Listener {
  readonly heard: Heard[] = [];
  readonly #process: ChildProcess;

  constructor(host: Host, mode: 'silent' | 'lies') {
    const [program = '', ...before] = host.before;
    const command = ['setpriv', '--pdeathsig', 'KILL', '--', process.execPath, here('liar.mjs'), mode];
    this.#process = spawn(program, [...before, ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PROTOCOL_VERSION: String(protocol_version) },
    });
    const output = this.#process.stdout;
    if (output === null) throw new Error('no output');
    createInterface(output).on('line', (line) => this.heard.push(JSON.parse(line) as Heard));
  }

  async untilReady(): Promise<void> {
    await until(
      () => this.heard.some(({ ready }) => ready === true),
      () => 'the listener to listen',
    );
  }

  get nonces(): string[] {
    return this.heard.flatMap(({ nonce }) => (nonce === undefined ? [] : [nonce]));
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** What `ask.mjs` finds from a host. */
async function askFrom(host: Host, address: string): Promise<unknown> {
  const [program = '', ...before] = host.before;
  const { stdout } = await execa(program, [...before, process.execPath, here('ask.mjs'), address]);
  return JSON.parse(stdout);
}

describe('discovery on a network of its own', () => {
  let network: TestNetwork;
  let directory: string;
  const filesystems: LoopFs[] = [];
  const listeners: Listener[] = [];
  let names: Daemon;
  let master: Daemon;
  let replica: Daemon;
  const host = (index: number): Host => network.hosts[index] as Host;

  async function make(role: 'nameserver' | 'master' | 'replica', at: Host, lines: string[]): Promise<Daemon> {
    const name = role === 'nameserver' ? 'names' : role === 'replica' ? 'r1' : role;
    const first: string[] = [];
    if (role !== 'nameserver') {
      const fs = await makeLoopFs({ size_mb: 256 });
      filesystems.push(fs);
      first.push(`mountpoint = "${fs.mountpoint}"`);
    }
    const place = { role, name, directory: path.join(directory, name), before: at.before };
    return Daemon.make(place, [...first, ...lines]);
  }

  beforeAll(async () => {
    network = await TestNetwork.make(4);
    directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-discovery-'));
    const secret = (name: string): Promise<string> => makeSecret(path.join(directory, `${name}.secret`));
    const [of_link, master_names, replica_names] = [await secret('l'), await secret('m'), await secret('r')];
    names = await make('nameserver', host(0), [
      '[listen]\nhost = "0.0.0.0"',
      '[names]\nbroadcast = true',
      `[[nodes]]\nname = "master"\nrole = "master"\nsecret_file = "${master_names}"`,
      `[[nodes]]\nname = "r1"\nrole = "replica"\nsecret_file = "${replica_names}"`,
    ]);
    master = await make('master', host(1), [
      `[listen]\nhost = "${host(1).address}"`,
      `[names]\nserve = false\nserver = "ws://${host(0).address}:9409"\nsecret_file = "${master_names}"`,
      `[[replicas]]\nid = 1\nname = "r1"\nsecret_file = "${of_link}"`,
    ]);
    replica = await make('replica', host(2), [
      `[master]\nsecret_file = "${of_link}"`,
      `[names]\ndiscover = true\nsecret_file = "${replica_names}"`,
    ]);
  });
  afterEach(async () => {
    for (const listener of listeners.splice(0)) await listener.end();
  });
  afterAll(async () => {
    for (const daemon of [names, master, replica]) await daemon?.end('SIGKILL');
    await Promise.all(filesystems.map((fs) => fs.dispose()));
    await network?.dispose();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  async function listen(mode: 'silent' | 'lies'): Promise<Listener> {
    const listener = new Listener(host(3), mode);
    listeners.push(listener);
    await listener.untilReady();
    return listener;
  }

  test('a replica asks three times in each search, as long as nobody answers, and says where it looked', async () => {
    const listener = await listen('silent');
    await replica.start();
    await until(
      () => new Set(listener.nonces).size >= 3,
      () => `searches: ${JSON.stringify(listener.heard)}`,
    );
    const [first, second] = [...new Set(listener.nonces)];
    for (const nonce of [first, second]) {
      expect(listener.nonces.filter((one) => one === nonce)).toHaveLength(3);
    }
    expect(listener.heard.find(({ nonce }) => nonce === first)).toMatchObject({
      asked_by: host(2).address,
      bytes: 1_024,
    });
    await until(
      () => replica.log.includes('no name server was found'),
      () => replica.log,
    );
    expect(replica.log).toContain('broadcast to 255.255.255.255:9409: no answer in 3 tries');
    expect((await replica.client.status()).is_linked).toBe(false);
  });

  test('a liar that answers first is passed over; then the name server is found, and the master by it', async () => {
    await names.start();
    names.signal('SIGSTOP');
    const liar = await listen('lies');
    await until(
      () => replica.log.includes('AuthenticationFailed'),
      () => replica.log,
    );
    expect(liar.heard.some(({ link_from }) => link_from === 'r1')).toBe(true);
    const line = replica.log.split('\n').find((text) => text.includes('AuthenticationFailed')) ?? '';
    const said = JSON.parse(line) as { level: string; msg: string; where: string };
    expect(said).toMatchObject({ level: 'warn', msg: 'passed over as name server' });
    expect(said.where).toContain(host(3).address);
    expect((await replica.client.status()).is_linked).toBe(false);
    names.signal('SIGCONT');
    await master.start();
    await until(
      async () => (await replica.client.status()).is_linked,
      () => replica.log,
    );
    expect((await replica.client.status()).link_address).toBe(`ws://${host(1).address}:9410`);
    await until(
      async () => (await names.client.names.list()).length === 3,
      () => names.log,
    );
    const registered = (await replica.client.names.list()).map(({ name }) => name);
    expect(registered).toEqual(['icbdrep.master', 'icbdrep.nameserver', 'icbdrep.replica.r1']);
    expect((await master.client.replicas.list())[0]?.state).not.toBe('offline');
  });

  test('the answer is the same at the broadcast address of the network', async () => {
    expect(await askFrom(host(2), network.broadcast)).toEqual([
      { url: `ws://${host(0).address}:9409`, node: 'names' },
    ]);
  });

  test('nobody is answered on loopback', async () => {
    expect(await askFrom(host(0), '127.0.0.1')).toEqual([]);
    await names.end('SIGKILL');
    const alone = await make('nameserver', host(0), ['[names]\nbroadcast = true']);
    await alone.start();
    expect(await askFrom(host(0), '127.0.0.1')).toEqual([]);
    expect(await askFrom(host(2), network.broadcast)).toEqual([]);
    expect(alone.log).toContain('broadcasts are not answered');
    expect(await alone.end('SIGTERM')).toBe(0);
  });

  test('the name server inside a master is found too, over TLS, and then asked over the control link', async () => {
    for (const daemon of [master, replica]) await daemon.end('SIGKILL');
    const [key, certificate] = [path.join(directory, 'key.pem'), path.join(directory, 'certificate.pem')];
    const name = ['-subj', `/CN=${host(1).address}`, '-addext', `subjectAltName=IP:${host(1).address}`];
    const kind = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    await execa('openssl', ['req', ...kind, ...name, '-keyout', key, '-out', certificate]);
    const secret = path.join(directory, 'l.secret');
    master = await Daemon.make(master.place, [
      `mountpoint = "${filesystems[0]?.mountpoint}"`,
      `[listen]\nhost = "0.0.0.0"\ntls_cert = "${certificate}"\ntls_key = "${key}"`,
      '[names]\nbroadcast = true',
      `[[replicas]]\nid = 1\nname = "r1"\nsecret_file = "${secret}"`,
    ]);
    replica = await Daemon.make(replica.place, [
      `mountpoint = "${filesystems[1]?.mountpoint}"`,
      `[master]\nsecret_file = "${secret}"\ntls_ca = "${certificate}"`,
      '[names]\ndiscover = true',
    ]);
    const begins_at = replica.log.length;
    await replica.start();
    await master.start();
    await until(
      async () => (await replica.client.status()).is_linked,
      () => replica.log.slice(begins_at),
    );
    const url = `wss://${host(1).address}:9410`;
    expect((await replica.client.status()).link_address).toBe(url);
    expect(await replica.client.names.lookup('icbdrep.master')).toMatchObject({ address: url });
    await until(
      () => replica.log.slice(begins_at).includes('link to the name server closed'),
      () => replica.log.slice(begins_at),
    );
    await until(
      async () =>
        (await replica.client.names.list()).filter(({ state }) => state === 'reachable').length === 3,
      () => replica.log.slice(begins_at),
    );
    await master.end('SIGKILL');
    await master.start();
    await until(
      async () => (await master.client.replicas.list())[0]?.is_connected === true,
      () => replica.log.slice(begins_at),
    );
  });
});
