import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StatusReport } from '../../../src/core/report.js';
import { Fleet, until } from '../../support/fleet.js';
import { Terminal } from '../../support/terminal.js';

const daemon = new URL('../../../dist/daemon/icbdrepd.js', import.meta.url).pathname;
const prompt = 'icbdrep master> ';

describe('icbdrepd master --interactive', () => {
  let fleet: Fleet;
  let state_home: string;
  const terminals: Terminal[] = [];

  const open = (...args: string[]): Terminal => {
    const command = [
      process.execPath,
      daemon,
      'master',
      '--config',
      fleet.master.config_file,
      '--interactive',
    ];
    const terminal = new Terminal([...command, ...args], { env: { XDG_STATE_HOME: state_home } });
    terminals.push(terminal);
    return terminal;
  };
  const masterStatus = (): Promise<StatusReport | undefined> =>
    fleet.master.client.status().catch(() => undefined);
  const consoles = async (): Promise<string[]> => {
    const { stdout } = await execa('ps', ['-eo', 'args=']);
    return stdout.split('\n').filter((line) => line.includes(`console --socket ${fleet.master.socket}`));
  };

  beforeAll(async () => {
    fleet = await Fleet.make({ size_mb: 256 });
    state_home = await mkdtemp(path.join(tmpdir(), 'icbdrep-console-'));
    await fleet.replica(0).start();
  });
  afterEach(async () => {
    await Promise.all(terminals.splice(0).map((terminal) => terminal.hangUp()));
    await until(
      async () => (await masterStatus()) === undefined,
      () => 'the master to be gone',
    );
  });
  afterAll(async () => {
    await fleet?.dispose();
    await rm(state_home, { recursive: true, force: true });
  });

  test('the master runs while the console does; the log is in a file', async () => {
    const terminal = open();
    const log = path.join(fleet.master.state_dir, 'master.log');
    await terminal.see(`its log goes to ${log}`);
    await terminal.see('leaving this console stops the master in order');
    await terminal.see(prompt);
    await fleet.untilOnline();
    terminal.type('replicas\r');
    await terminal.see(/r1 +online/);
    await terminal.see(prompt);
    terminal.type('exit\r');
    expect(await terminal.ended()).toBe(0);
    expect(await masterStatus()).toBeUndefined();
    expect((await stat(log)).mode & 0o777).toBe(0o600);
    expect(await readFile(log, 'utf8')).toContain('"msg":"stopping"');
    expect(terminal.text).not.toContain('"level"');
  });

  test('SIGTERM ends both', async () => {
    const log = path.join(fleet.directory, 'named.log');
    const terminal = open('--log-file', log);
    await terminal.see(log);
    await terminal.see(prompt);
    expect(await consoles()).toHaveLength(1);
    const pid = (await masterStatus())?.pid ?? 0;
    process.kill(pid, 'SIGTERM');
    expect(await terminal.ended()).toBe(0);
    expect(await consoles()).toEqual([]);
    expect(existsSync(log)).toBe(true);
  });

  test('a console that is killed stops the master, which says how it ended', async () => {
    const terminal = open();
    await terminal.see(prompt);
    const { stdout } = await execa('pgrep', ['-f', `console --socket ${fleet.master.socket}`]);
    process.kill(Number(stdout), 'SIGKILL');
    expect(await terminal.ended()).toBe(137);
  });

  test('the console does not outlive a master that is killed', async () => {
    const terminal = open();
    await terminal.see(prompt);
    process.kill((await masterStatus())?.pid ?? 0, 'SIGKILL');
    expect(await terminal.ended()).toBe(137);
    await until(
      async () => (await consoles()).length === 0,
      () => 'the console to end',
    );
  });

  test('a log that cannot be written is said before anything starts', async () => {
    const terminal = open('--log-file', '/nowhere/x.log');
    await terminal.see('the log cannot be written: ENOENT');
    expect(await terminal.ended()).toBe(2);
  });
});
