import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorReport } from '../../../../src/core/errors.js';
import { socketPlace, type TunnelTarget } from '../../../../src/daemon/ssh/ssh_command.js';
import { SshTunnel, type SshTunnelOptions, type TunnelLog } from '../../../../src/daemon/ssh/ssh_tunnel.js';
import type { Child, ChildEnd } from '../../../../src/pipeline/child.js';
import { failsWith, until } from '../../../contract/link/control_link_suite.js';
import { real_clock } from '../../transport/support.js';

/** A child that does what ssh does with `-L`: listens on the socket, and answers as the target would, or not. */
class FakeSsh {
  readonly finished: Promise<ChildEnd>;
  readonly target: string;
  #end!: (end: ChildEnd) => void;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  #say: ((words: Buffer | undefined) => void) | undefined;
  readonly #words: (Buffer | undefined)[] = [];

  /** @param refusal why nothing gets through; undefined: the target answers */
  constructor(args: readonly string[], listens: boolean, refusal: () => string | undefined) {
    const [socket_path = '', ...target] = (args[args.indexOf('-L') + 1] ?? '').split(':');
    this.target = target.join(':');
    this.finished = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#server = createServer((socket) => {
      this.#sockets.push(socket);
      socket.on('error', () => undefined);
      const words = refusal();
      if (words === undefined) {
        socket.once('data', () => socket.end('HTTP/1.1 426 Upgrade Required\r\n\r\n'));
        return;
      }
      this.say(`channel 2: open failed: ${words}\n`);
      socket.destroy();
    });
    if (listens) this.#server.listen(socket_path);
  }

  say(words: string | undefined): void {
    this.#words.push(words === undefined ? undefined : Buffer.from(words));
    this.#say?.(this.#words.shift());
  }

  die(exit_code: number | null, words = ''): void {
    if (words !== '') this.say(words);
    this.say(undefined);
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#end({ exit_code, signal: exit_code === null ? 'SIGKILL' : null, stderr_tail: '' });
  }

  asChild(pid: number): Child {
    const { finished } = this;
    const said = this.#said();
    const stdout = Object.assign(said, { destroy: () => undefined });
    let stop_reason: ErrorReport | undefined;
    const child = {
      pid,
      stdout,
      finished,
      get stop_reason(): ErrorReport | undefined {
        return stop_reason;
      },
      stop: (reason: ErrorReport): void => {
        stop_reason = reason;
        this.die(null);
      },
    };
    return child as unknown as Child;
  }

  async *#said(): AsyncGenerator<Buffer> {
    for (;;) {
      const words =
        this.#words.length > 0
          ? this.#words.shift()
          : await new Promise<Buffer | undefined>((resolve) => {
              this.#say = resolve;
            });
      this.#say = undefined;
      if (words === undefined) return;
      yield words;
    }
  }
}

const target: TunnelTarget = { host: '127.0.0.1', port: 9410, is_tls: false };

describe('a tunnel', () => {
  let directory: string;
  let runs: FakeSsh[];
  let log: TunnelLog[];
  let refusal: string | undefined;
  let listens: boolean;
  let tunnel: SshTunnel;
  /** Waiting times, each of which passes at once. */
  let waited_ms: number[];

  const make = (changes: Partial<SshTunnelOptions> = {}): SshTunnel =>
    new SshTunnel({
      server: { user: 'root', host: 'hub', port: 22 },
      key_file: path.join(directory, 'key'),
      known_hosts_file: path.join(directory, 'known'),
      place: socketPlace(directory),
      children: {
        start: (_id, { args }) => {
          const run = new FakeSsh(args, listens, () => refusal);
          runs.push(run);
          return run.asChild(runs.length);
        },
      },
      clock: {
        now: () => real_clock.now(),
        after: (delay_ms, work) => {
          // The 1 s for ssh's last words is not waited for either.
          if (delay_ms !== 1_000) waited_ms.push(delay_ms);
          return real_clock.after(Math.min(delay_ms, 30), work);
        },
      },
      key: 'r1',
      log: (entry) => log.push(entry),
      ...changes,
    });

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-tunnel-'));
    writeFileSync(path.join(directory, 'key'), 'k', { mode: 0o600 });
    writeFileSync(path.join(directory, 'known'), 'h');
    [runs, log, waited_ms, refusal, listens] = [[], [], [], undefined, true];
    tunnel = make();
  });
  afterEach(async () => {
    await tunnel.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const theRun = (index: number): Promise<FakeSsh> => until(() => runs[index]);
  const kinds = (): string[] => log.map(({ kind }) => kind);

  test('is up when somebody answered through it', async () => {
    expect(tunnel.report).toMatchObject({ state: 'idle', target: '', pid: null });
    expect(await tunnel.ready(target)).toBe(path.join(directory, 'tunnel.sock'));
    expect(tunnel.report).toMatchObject({
      via: 'ssh://root@hub:22',
      target: '127.0.0.1:9410',
      state: 'up',
      restarts: 0,
      pid: 1,
      error: null,
    });
    expect(runs[0]?.target).toBe('127.0.0.1:9410');
    expect(kinds()).toEqual(['up']);
  });

  test('is started again when ssh ends, ever slower, and says the same only once', async () => {
    await tunnel.ready(target);
    for (let index = 0; index < 4; index += 1) {
      (await theRun(index)).die(255, 'ssh: connect to host hub port 22: Connection refused\n');
      await theRun(index + 1);
    }
    await until(() => tunnel.report.state === 'up');
    expect(tunnel.report.restarts).toBe(4);
    expect(waited_ms).toEqual(waited_ms.toSorted((a, b) => a - b));
    expect(waited_ms.at(-1)).toBeGreaterThan(1_000);
    expect(kinds().filter((kind) => kind === 'failed').length).toBeLessThanOrEqual(4);
    expect(tunnel.report.error).toBeNull();
  });

  test('that stays down says so once, and tells everybody who asks why', async () => {
    listens = false;
    for (let index = 0; index < 3; index += 1) {
      const asked = failsWith(tunnel.ready(target), { code: 'TunnelFailed', retryable: true });
      (await theRun(index)).die(255, 'ssh: connect to host hub port 22: Connection refused\n');
      await asked;
    }
    expect(kinds()).toEqual(['failed']);
    await until(() => tunnel.report.state === 'waiting');
    expect(tunnel.report.error?.message).toContain('Connection refused');
  });

  test('waits long where only an operator can help', async () => {
    listens = false;
    const asked = failsWith(tunnel.ready(target), { code: 'TunnelFailed', retryable: false });
    (await theRun(0)).die(255, 'Host key verification failed.\n');
    await asked;
    expect(waited_ms.at(-1)).toBeGreaterThan(20_000);
  });

  test('a key that is missing is not a reason to end', async () => {
    rmSync(path.join(directory, 'key'));
    await expect(tunnel.ready(target)).rejects.toMatchObject({ code: 'TunnelFailed', retryable: false });
    expect(runs).toEqual([]);
    writeFileSync(path.join(directory, 'key'), 'k', { mode: 0o600 });
    await until(() => tunnel.report.state === 'up');
    expect(kinds()).toEqual(['failed', 'up']);
  });

  test('finds out by itself that something gets through again, although nobody asks', async () => {
    refusal = 'connect failed: Connection refused';
    tunnel.start(target);
    await until(() => tunnel.report.error !== null && waited_ms.length > 2);
    expect(tunnel.report).toMatchObject({ state: 'up', restarts: 0 });
    refusal = undefined;
    await until(() => tunnel.report.error === null);
    expect(kinds()).toEqual(['blocked', 'up']);
    expect(runs).toHaveLength(1);
  });

  test('stands although nothing gets through, says so, and finds out when it does', async () => {
    refusal = 'connect failed: Connection refused';
    await expect(tunnel.ready(target)).rejects.toMatchObject({
      code: 'TunnelFailed',
      retryable: true,
      message: 'hub does not reach 127.0.0.1:9410: connect failed: Connection refused',
    });
    await expect(tunnel.ready(target)).rejects.toMatchObject({ code: 'TunnelFailed' });
    expect(tunnel.report).toMatchObject({ state: 'up', restarts: 0 });
    refusal = undefined;
    await tunnel.ready(target);
    expect(kinds()).toEqual(['blocked', 'up']);
    refusal = 'administratively prohibited: open failed';
    runs[0]?.say('channel 9: open failed: administratively prohibited: open failed\n');
    await until(() => tunnel.report.error !== null);
    expect(tunnel.report.error).toMatchObject({ retryable: false });
    expect(kinds()).toEqual(['blocked', 'up', 'blocked']);
  });

  test('leads elsewhere when the master is elsewhere', async () => {
    await tunnel.ready(target);
    await tunnel.ready({ ...target, port: 9411 });
    expect(runs.map((run) => run.target)).toEqual(['127.0.0.1:9410', '127.0.0.1:9411']);
    expect(waited_ms).toEqual([]);
    expect(kinds()).toEqual(['up', 'up']);
  });

  test('ends for good, whatever it does', async () => {
    const asked = tunnel.ready(target);
    const ended = failsWith(asked, { code: 'Interrupted' });
    await tunnel.stop();
    await ended;
    await expect(tunnel.ready(target)).rejects.toMatchObject({ code: 'Interrupted' });
    expect(tunnel.report).toMatchObject({ state: 'stopped', pid: null });
    for (const run of runs) expect((await run.finished).signal).toBe('SIGKILL');
  });
});
