import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import {
  parseVia,
  showServer,
  socketPlace,
  sshArguments,
  targetOf,
} from '../../../../src/daemon/ssh/ssh_command.js';

describe('addresses', () => {
  test.each([
    ['ssh://root@hub.example', { user: 'root', host: 'hub.example', port: 22 }],
    ['ssh://back.up@10.0.0.7:2222', { user: 'back.up', host: '10.0.0.7', port: 2222 }],
    ['ssh://root@[fe80::1]:22', { user: 'root', host: 'fe80::1', port: 22 }],
    ['ssh://root@[fe80::1]', { user: 'root', host: 'fe80::1', port: 22 }],
  ])('%s', (via, server) => {
    expect(parseVia(via)).toEqual(server);
  });

  test.each([
    ['ws://hub:9410', { host: 'hub', port: 9410, is_tls: false }],
    ['wss://[::1]:9410/', { host: '::1', port: 9410, is_tls: true }],
    ['ws://hub', { host: 'hub', port: 80, is_tls: false }],
    ['wss://hub', { host: 'hub', port: 443, is_tls: true }],
  ])('%s', (url, target) => {
    expect(targetOf(url)).toEqual(target);
  });

  test('are shown as they are written', () => {
    expect(showServer({ user: 'root', host: 'fe80::1', port: 22 })).toBe('ssh://root@[fe80::1]:22');
  });
});

describe('the command line', () => {
  const args = sshArguments({
    server: { user: 'root', host: 'hub.example', port: 2222 },
    key_file: '/etc/keys/100% safe/key',
    known_hosts_file: '/etc/known hosts',
    socket_path: '/var/lib/icbdrep/tunnel.sock',
    target: { host: '::1', port: 9410, is_tls: false },
  });

  test('asks nobody, reads no config, and checks the host key against the one file', () => {
    const set = new Set(args.flatMap((arg, index) => (args[index - 1] === '-o' ? [arg] : [])));
    for (const setting of [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'UserKnownHostsFile="/etc/known hosts"',
      'GlobalKnownHostsFile=/dev/null',
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
      'PasswordAuthentication=no',
      'KbdInteractiveAuthentication=no',
      'RequestTTY=no',
      'ExitOnForwardFailure=yes',
      'ServerAliveInterval=10',
      'ServerAliveCountMax=3',
      'StreamLocalBindMask=0177',
      'ControlMaster=no',
    ])
      expect(set).toContain(setting);
    expect(args.slice(0, 2)).toEqual(['-F', 'none']);
  });

  test('takes nothing in an address for an option, and nothing in a path for a sign of its own', () => {
    expect(args.slice(-2)).toEqual(['--', 'hub.example']);
    expect(args).toContain('/etc/keys/100%% safe/key');
    expect(args[args.indexOf('-L') + 1]).toBe('/var/lib/icbdrep/tunnel.sock:[::1]:9410');
  });
});

describe('the socket', () => {
  test('lies in the state directory', () => {
    expect(socketPlace('/var/lib/icbdrep')).toEqual({ socket_path: '/var/lib/icbdrep/tunnel.sock' });
  });

  test.each([
    ['is too long for the kernel', `/var/lib/${'deep/'.repeat(20)}`],
    ['has a sign of ssh', '/var/lib/icb%drep'],
    ['has a colon', '/var/lib/a:b'],
    ['is not plain ASCII', '/var/lib/häuser'],
  ])('has a directory of its own where that path %s', (_what, state_dir) => {
    const place = socketPlace(state_dir);
    expect(place.own_directory?.startsWith(tmpdir())).toBe(true);
    expect(place.socket_path).toBe(`${place.own_directory}/tunnel.sock`);
    expect(Buffer.byteLength(place.socket_path)).toBeLessThanOrEqual(100);
    expect(socketPlace(state_dir)).toEqual(place);
    expect(socketPlace(`${state_dir}2`)).not.toEqual(place);
  });
});
