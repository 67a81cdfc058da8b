/** What the config may say of the control API, and what follows from it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { control } from '../../../../src/daemon/config/parts.js';
import { startControlServer } from '../../../../src/daemon/control/server.js';
import { SessionCookies } from '../../../../src/daemon/control/session_cookie.js';
import type { Operations } from '../../../../src/daemon/operations/operations.js';
import { freePort } from '../../../support/fleet_config.js';
import { silent_log } from './feed_support.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-control-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const schema = control('/run/icbdrep/master.sock');
const tls = { tls_cert: '/etc/cert.pem', tls_key: '/etc/key.pem' };

test('nothing is said: the socket alone', () => {
  expect(schema.parse(undefined)).toEqual({ socket: '/run/icbdrep/master.sock', allowed_hosts: [] });
});

test.each([
  ['127.0.0.1:9411', '127.0.0.1', 9411],
  ['localhost:80', 'localhost', 80],
  ['[::1]:9411', '::1', 9411],
])('%s is reached by programs of this machine alone, and needs a token', (listen, host, port) => {
  expect(schema.parse({ listen, token_file: '/t' }).listen).toEqual({ host, port });
  expect(schema.safeParse({ listen }).error?.issues[0]).toMatchObject({ path: ['token_file'] });
});

test.each(['0.0.0.0:9411', '[::]:9411', '10.0.0.5:9411', 'backup1.example:9411', '127.evil.example:1'])(
  '%s is not listened on without TLS',
  (listen) => {
    expect(schema.safeParse({ listen, token_file: '/t' }).error?.issues[0]?.message).toMatch(
      /tls_cert.*ssh -L/,
    );
    expect(schema.safeParse({ listen, token_file: '/t', ...tls }).success).toBe(true);
  },
);

test.each([
  [{ listen: '9411' }],
  [{ listen: '127.0.0.1' }],
  [{ listen: '::1:9411' }],
  [{ listen: '127.0.0.1:99999' }],
  [{ listen: '127.0.0.1:9411', tls_cert: '/c' }],
  [{ allowed_hosts: ['https://a'] }],
  [{ allowed_hosts: ['a:1'] }],
  [{ token_file: 'relative' }],
])('%j is refused', (values) => {
  expect(schema.safeParse({ token_file: '/t', ...values }).success).toBe(false);
});

async function start(values: object) {
  const socket = path.join(directory, 'control.sock');
  const parts = { operations: {} as Operations, feed: null, probes: null };
  return startControlServer({ ...parts, control: schema.parse({ socket, ...values }), log: silent_log });
}

test('what cannot be served is said at the start, and nothing is held', async () => {
  const token_file = path.join(directory, 'token');
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const failing = async (values: object): Promise<string> =>
    start(values).then(
      () => 'it started',
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
  expect(await failing({ listen, token_file })).toMatch(/^InvalidConfig .*ENOENT/);
  writeFileSync(token_file, 'x'.repeat(40), { mode: 0o644 });
  expect(await failing({ listen, token_file })).toMatch(/^InvalidConfig .*can be read by other users/);
  rmSync(token_file);
  writeFileSync(token_file, 'short', { mode: 0o600 });
  expect(await failing({ listen, token_file })).toMatch(/^InvalidConfig .*shorter than 32 bytes/);
  writeFileSync(token_file, 'x'.repeat(40), { mode: 0o600 });
  expect(await failing({ listen, token_file, tls_cert: token_file, tls_key: token_file })).toMatch(
    /^InvalidConfig .*tls_cert/,
  );
  expect(await failing({ listen: '192.0.2.1:1', token_file, tls_cert: '/none', tls_key: '/none' })).toMatch(
    /^InvalidConfig .*ENOENT/,
  );
  const server = await start({ listen, token_file });
  expect(server.url).toBe(`http://${listen}`);
  expect(await failing({ socket: path.join(directory, 'other'), listen, token_file })).toMatch(
    /^AlreadyRunning/,
  );
  expect(await failing({ listen, token_file })).toMatch(/^AlreadyRunning/);
  await server.close();
});

test('with TLS a cookie goes over nothing else', () => {
  const clock = { now: () => 0, after: () => () => undefined };
  const cookies = new SessionCookies({
    token: Buffer.from('x'),
    clock,
    randomBytes: (size) => Buffer.alloc(size),
    port: 9411,
    is_tls: true,
  });
  expect(cookies.open().header).toMatch(/^__Host-icbdrep_9411=.*; Path=\/; .*; Secure$/);
});
