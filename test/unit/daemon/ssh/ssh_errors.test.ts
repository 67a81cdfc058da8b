import { describe, expect, test } from 'vitest';
import { errorOfEnd, errorOfForward } from '../../../../src/daemon/ssh/ssh_errors.js';

const command = {
  server: { user: 'root', host: 'hub', port: 2222 },
  key_file: '/keys/key',
  known_hosts_file: '/keys/known',
  socket_path: '/state/tunnel.sock',
  target: { host: '127.0.0.1', port: 9410, is_tls: false },
};
const ended = { exit_code: 255, signal: null };

/** As OpenSSH 9.2 says it. */
const sayings: [string, string[], boolean, string][] = [
  [
    'No ED25519 host key is known for [hub]:2222 and you have requested strict checking.',
    [
      'No ED25519 host key is known for [hub]:2222 and you have requested strict checking.',
      'Host key verification failed.',
    ],
    false,
    'ssh-keyscan -p 2222 hub >> /keys/known',
  ],
  [
    'REMOTE HOST IDENTIFICATION HAS CHANGED!',
    [
      '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      'IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!',
      'Host key verification failed.',
    ],
    false,
    'somebody may be in between',
  ],
  [
    'root@hub: Permission denied (publickey).',
    ['root@hub: Permission denied (publickey).'],
    false,
    '/keys/key',
  ],
  [
    'UNPROTECTED PRIVATE KEY FILE!',
    [
      '@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @',
      'Load key "/keys/key": bad permissions',
      'root@hub: Permission denied (publickey).',
    ],
    false,
    'chmod 600 /keys/key',
  ],
  [
    'connect to host hub port 2222: Connection refused',
    ['ssh: connect to host hub port 2222: Connection refused'],
    true,
    'does sshd run on hub, and on port 2222',
  ],
  [
    'Could not resolve hostname hub: Name or service not known',
    ['ssh: Could not resolve hostname hub: Name or service not known'],
    true,
    'is hub right',
  ],
  [
    'Timeout, server hub not responding.',
    ['Timeout, server hub not responding.'],
    true,
    'look at the network',
  ],
  [
    'ssh was ended with exit code 255: something new',
    ['channel 0: open failed: connect failed: Connection refused', 'something new', ''],
    true,
    'started again',
  ],
];

describe('what ssh says at its end', () => {
  test.each(sayings)('%s', (message, lines, retryable, hint) => {
    const error = errorOfEnd(ended, lines, command);
    expect(error).toMatchObject({
      code: 'TunnelFailed',
      message,
      retryable,
      operation: 'ssh tunnel',
      subject: 'ssh://root@hub:2222',
    });
    expect(error.hint).toContain(hint);
  });

  test('nothing', () => {
    const error = errorOfEnd({ exit_code: null, signal: 'SIGKILL' }, [], command);
    expect(error).toMatchObject({ message: 'ssh was ended by SIGKILL', retryable: true });
  });
});

describe('what does not get through', () => {
  test.each([
    [
      'channel 2: open failed: administratively prohibited: open failed',
      'hub does not forward to 127.0.0.1:9410: administratively prohibited: open failed',
      false,
      'PermitOpen 127.0.0.1:9410',
    ],
    [
      'channel 2: open failed: connect failed: Connection refused',
      'hub does not reach 127.0.0.1:9410: connect failed: Connection refused',
      true,
      'does the master run',
    ],
  ])('%s', (line, message, retryable, hint) => {
    const error = errorOfForward(line, command);
    expect(error).toMatchObject({ code: 'TunnelFailed', message, retryable });
    expect(error.hint).toContain(hint);
  });
});
