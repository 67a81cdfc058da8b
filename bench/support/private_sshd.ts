import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

/** An sshd of our own on loopback, with keys of its own. */
export interface PrivateSshd {
  /** Program and arguments that run a command over it; the command line is to be appended. */
  readonly command: readonly string[];
  dispose(): Promise<void>;
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const is_open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (is_open) return;
    await sleep(50);
  }
  throw new Error('sshd does not listen');
}

/** @param port of loopback */
export async function startPrivateSshd(port: number): Promise<PrivateSshd> {
  const directory = await mkdtemp(path.join(tmpdir(), 'icbdrep-sshd-'));
  const at = (name: string): string => path.join(directory, name);
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('host_key')]);
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('user_key')]);
  await writeFile(at('authorized_keys'), await readFile(at('user_key.pub')), { mode: 0o600 });
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${await readFile(at('host_key.pub'), 'utf8')}`);
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host_key')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('pid')}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
  ];
  await writeFile(at('sshd_config'), `${config.join('\n')}\n`);
  mkdirSync('/run/sshd', { recursive: true });
  const sshd: ChildProcess = spawn('/usr/sbin/sshd', ['-D', '-f', at('sshd_config')], { stdio: 'ignore' });
  await waitForPort(port);
  const options = [
    `UserKnownHostsFile=${at('known_hosts')}`,
    'StrictHostKeyChecking=yes',
    'BatchMode=yes',
    'IdentitiesOnly=yes',
  ];
  return {
    command: [
      'ssh',
      '-F',
      'none',
      '-p',
      String(port),
      '-i',
      at('user_key'),
      ...options.flatMap((option) => ['-o', option]),
      `${userInfo().username}@127.0.0.1`,
    ],
    dispose: async () => {
      const ended = new Promise((resolve) => sshd.once('exit', resolve));
      sshd.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
