import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../../support/fleet.js';
import { makeImageTree } from '../../support/image_tree.js';
import { Terminal, type TerminalOptions } from '../../support/terminal.js';

const program = new URL('../../../dist/cli/icbdrep.js', import.meta.url).pathname;
const prompt = 'icbdrep master> ';
const ctrl_c = '\u0003';
const ctrl_d = '\u0004';
/** Between a Tab and the next key: keys that come in one piece are a paste, in which a Tab is a character. */
const key_ms = 300;
const arrow_up = '\u001b[A';

describe('the console at a terminal', () => {
  let fleet: Fleet;
  let state_home: string;
  const terminals: Terminal[] = [];

  const open = (socket: string = fleet.master.socket, options: TerminalOptions = {}): Terminal => {
    const command = [process.execPath, program, 'console', '--socket', socket];
    const terminal = new Terminal(command, { ...options, env: { XDG_STATE_HOME: state_home } });
    terminals.push(terminal);
    return terminal;
  };

  beforeAll(async () => {
    fleet = await Fleet.start({ size_mb: 512, replica: { top: 'auto_add_images = true' } });
    state_home = await mkdtemp(path.join(tmpdir(), 'icbdrep-console-'));
    for (const name of ['vm1', 'my image']) {
      await fleet.master.client.images.add({ name, create: true });
      await makeImageTree(path.join(fleet.master.fs.mountpoint, name, 'live'), 1, 1024 * 1024);
      await fleet.master.client.snapshots.create(name);
    }
    await fleet.master.client.snapshots.create('vm1');
  });
  afterEach(async () => {
    await Promise.all(terminals.splice(0).map((terminal) => terminal.hangUp()));
  });
  afterAll(async () => {
    await fleet?.dispose();
    await rm(state_home, { recursive: true, force: true });
  });

  test('commands as on the command line, and Ctrl-D ends it', async () => {
    const terminal = open();
    await terminal.see('console of master. help lists the commands');
    await terminal.see(prompt);
    terminal.type('status\r');
    await terminal.see('1 of 1 online');
    await terminal.see(prompt);
    terminal.type('snapshots nope\r');
    await terminal.see('icbdrep: there is no image nope on this node [ImageNotFound]\nhint: ');
    await terminal.see(prompt);
    terminal.type('console\r');
    await terminal.see('this is a console already');
    await terminal.see(prompt);
    terminal.type(ctrl_d);
    expect(await terminal.ended()).toBe(0);
  });

  test('Tab completes commands, images with spaces, snapshots, replicas and transfers', async () => {
    const terminal = open();
    await terminal.see(prompt);
    terminal.type('snap');
    await terminal.see('snap');
    terminal.type('\t');
    await terminal.see('shot');
    terminal.type('s m');
    await terminal.see('s m');
    terminal.type('\t');
    await terminal.see(`snapshots 'my image' `);
    terminal.type('\r');
    await terminal.see(/my image +1 +20/);
    await terminal.see(prompt);
    terminal.type('send vm1 ');
    await terminal.see('send vm1 ');
    terminal.type('\t');
    await sleep(key_ms);
    terminal.type('\t');
    await terminal.see(/1 +2\n/);
    terminal.type('1 --to r');
    await terminal.see('1 --to r');
    terminal.type('\t');
    await terminal.see('1 ');
    terminal.type('--wait\r');
    await terminal.see(/completed[^\n]*\n.*ID.*STATE/);
    await terminal.see(prompt);
    terminal.type('transfer show ');
    await terminal.see('transfer show ');
    const [transfer] = await fleet.master.client.transfers.list();
    terminal.type('\t');
    await terminal.see(`${transfer?.id} `);
    terminal.type('\r');
    expect(await terminal.see('both sides have')).toContain('completed');
  });

  test('Ctrl-C ends the waiting of send --wait, and not the console', async () => {
    const terminal = open();
    await terminal.see(prompt);
    // It neither answers nor goes away: the transfer stays where it is.
    process.kill(fleet.replica(0).pid ?? 0, 'SIGSTOP');
    try {
      terminal.type('send vm1 2 --to all --wait\r');
      await terminal.see('vm1/2 to r1');
      terminal.type(ctrl_c);
      await terminal.see('waits no longer; the daemon goes on with 1 transfer');
      await terminal.see(prompt);
    } finally {
      process.kill(fleet.replica(0).pid ?? 0, 'SIGCONT');
    }
    terminal.type('transfers\r');
    await terminal.see(/vm1 +2 +r1/);
    await terminal.see(prompt);
    terminal.type('half a line');
    await terminal.see('half a line');
    terminal.type(ctrl_c);
    await terminal.see('^C');
    await terminal.see(prompt);
    terminal.type('exit\r');
    expect(await terminal.ended()).toBe(0);
    await fleet.untilSettled();
  });

  test('lines that are pasted are run one after the other, each behind its prompt', async () => {
    const terminal = open();
    await terminal.see(prompt);
    terminal.type('images\rreplicas\rsnapshots vm1\rexit\r');
    expect(await terminal.ended()).toBe(0);
    const pattern =
      /> images\n[^>]*NAME[^>]*> replicas\n[^>]*NAME[^>]*> snapshots vm1\n[^>]*IMAGE[^>]*> exit\n/;
    expect(terminal.text).toMatch(pattern);
  });

  test('the history is there in the next run, but for lines that begin with a space', async () => {
    const first = open();
    await first.see(prompt);
    first.type('snapshots vm1 --node r1\r images --node r1\rexit\r');
    expect(await first.ended()).toBe(0);
    const second = open();
    await second.see(prompt);
    second.type(arrow_up);
    await second.see('exit');
    second.type(arrow_up);
    await second.see('snapshots vm1 --node r1');
    second.type(`\r`);
    await second.see('NEEDED BY');
    second.type(ctrl_d);
    expect(await second.ended()).toBe(0);
    const kept = await readFile(path.join(state_home, 'icbdrep', 'history'), 'utf8');
    expect(kept.trimEnd().split('\n').slice(-3)).toEqual([
      'snapshots vm1 --node r1',
      'exit',
      'snapshots vm1 --node r1',
    ]);
  });

  test('a daemon that hangs: Tab gives nothing, Ctrl-C gives the prompt back', async () => {
    const terminal = open();
    await terminal.see(prompt);
    process.kill(fleet.master.pid ?? 0, 'SIGSTOP');
    try {
      terminal.type('snapshots v');
      await terminal.see('snapshots v');
      terminal.type('\t');
      await sleep(key_ms);
      // What is typed behind it comes when Tab has given up.
      terminal.type('m1\r');
      await terminal.see('m1\n', 5_000);
      terminal.type(ctrl_c);
      await terminal.see('waits no longer for an answer');
      await terminal.see(prompt);
    } finally {
      process.kill(fleet.master.pid ?? 0, 'SIGCONT');
    }
    terminal.type('exit\r');
    expect(await terminal.ended()).toBe(0);
  });

  test('what a command asks is asked here, and Ctrl-C is no yes', async () => {
    const leftover = path.join(fleet.master.fs.mountpoint, 'vm1', '.icbdrep-part-99-abcd.1.0.0');
    await execa('btrfs', ['subvolume', 'create', leftover]);
    const terminal = open();
    await terminal.see(prompt);
    terminal.type('doctor --fix\r');
    await terminal.see('remove it? [y/N] ');
    terminal.type(ctrl_c);
    await terminal.see('^C');
    await terminal.see(prompt);
    expect(existsSync(leftover)).toBe(true);
    terminal.type('doctor --fix\r');
    await terminal.see('remove it? [y/N] ');
    terminal.type('y\r');
    await terminal.see(prompt);
    expect(existsSync(leftover)).toBe(false);
    terminal.type('history\r');
    expect(await terminal.see(prompt)).not.toMatch(/ y\n/);
  });

  test('no daemon: it says so, and what needs none works', async () => {
    const terminal = open('/nowhere/control.sock');
    await terminal.see('no daemon listens on /nowhere/control.sock [DaemonNotRunning]');
    await terminal.see('icbdrep> ');
    terminal.type('help transfer cancel\r');
    await terminal.see('Usage: icbdrep transfer cancel');
    await terminal.see('icbdrep> ');
    terminal.type(`images\r${ctrl_d}`);
    await terminal.see('[DaemonNotRunning]');
    expect(await terminal.ended()).toBe(0);
  });
});
