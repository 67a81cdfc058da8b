/** The command line and the client, with a daemon that listens for TCP. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import { chooseDaemon, environmentFor } from '../../../src/client/choose_daemon.js';
import { freePort } from '../../support/fleet_config.js';
import { HttpBench, token } from '../daemon/control/http_support.js';
import { type Ran, fakeContext } from './fake_context.js';

let bench: HttpBench;
beforeAll(async () => {
  bench = new HttpBench();
  await bench.start();
});
afterAll(() => bench.dispose());

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const context = fakeContext({ env });
  return { code: await runCli(argv, context), ...context.printed };
}

test('options or the environment name the daemon and the file of its token', async () => {
  const answer = { code: 0, out: '{\n  "node": "master"\n}\n', err: '' };
  expect(await run(['--url', bench.url, '--token-file', bench.token_file, 'status', '--json'])).toEqual(
    answer,
  );
  const env = { ICBDREP_URL: bench.url, ICBDREP_TOKEN_FILE: bench.token_file, ICBDREP_SOCKET: '/not/this' };
  expect(await run(['status', '--json'], env)).toEqual(answer);
  expect(await run(['status', '--json', '--socket', bench.socket], env)).toEqual(answer);
});

test('one request as it is', async () => {
  const env = { ICBDREP_URL: bench.url, ICBDREP_TOKEN_FILE: bench.token_file };
  expect(await run(['api', 'get', 'status'], env)).toEqual({
    code: 0,
    out: '{\n  "node": "master"\n}\n',
    err: '',
  });
  expect(await run(['api', 'GET', '/metrics'], env)).toEqual({ code: 0, out: 'icbdrep_up 1\n', err: '' });
  const ping = await run(['api', 'POST', 'node/ping', '--data', '{"node":"r1"}'], env);
  expect(JSON.parse(ping.out)).toEqual({ answer: 'pong' });
  expect(await run(['api', 'GET', 'transfers/9'], env)).toMatchObject({ code: 10, out: '' });
  expect(await run(['api', 'PATCH', 'status'], env)).toMatchObject({ code: 2 });
  expect(await run(['api', 'POST', 'node/ping', '--data', '{'], env)).toMatchObject({ code: 2 });
});

const status = (url: string, token_file?: string): Promise<Ran> =>
  run(['status', '--url', url, ...(token_file === undefined ? [] : ['--token-file', token_file])]);

describe('what is wrong is said, with what to do', () => {
  test('no token, a wrong one, and a file that is not there', async () => {
    expect(await status(bench.url)).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/this needs a token \[AuthenticationFailed\]\nhint: .*--token-file/),
    });
    const wrong = path.join(bench.directory, 'wrong');
    writeFileSync(wrong, 'something else');
    expect((await status(bench.url, wrong)).err).toMatch(/the token is wrong \[AuthenticationFailed\]/);
    expect(await status(bench.url, '/not/there')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/ENOENT/),
    });
  });

  test('nobody there, no such host, the other protocol', async () => {
    const nobody = await status(`http://127.0.0.1:${await freePort()}`, bench.token_file);
    expect(nobody).toMatchObject({
      code: 15,
      err: expect.stringMatching(/no daemon listens.*\nhint: .*\[control\]/),
    });
    const other = await status(bench.url.replace('http', 'https'), bench.token_file);
    expect(other).toMatchObject({ code: 15, err: expect.stringContaining('hint: one end speaks https') });
  });

  test.each(['ftp://x', 'localhost:9411', 'http://', 'http://a/b', 'http://user@a', 'x'])(
    '%s is no address',
    async (url) => {
      expect(await status(url)).toMatchObject({
        code: 2,
        err: expect.stringContaining('no address of a daemon'),
      });
    },
  );

  test('two daemons at once', async () => {
    expect(await run(['status', '--url', bench.url, '--socket', '/x'])).toMatchObject({ code: 2 });
  });
});

test('a console hands on what its options say', () => {
  const options = { url: 'http://127.0.0.1:1', tokenFile: bench.token_file };
  const env = environmentFor(options, { ICBDREP_SOCKET: '/x', HOME: '/root' });
  expect(chooseDaemon({}, env)).toEqual({ url: 'http://127.0.0.1:1', token, ca: undefined });
  expect(chooseDaemon({}, environmentFor({ socket: '/y' }, env))).toBe('/y');
});

describe('over TLS', () => {
  const safe = new HttpBench();
  const certificate = path.join(safe.directory, 'certificate.pem');
  beforeAll(async () => {
    const key = path.join(safe.directory, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
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
    await execa('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
    safe.tls = { tls_cert: certificate, tls_key: key };
    await safe.start();
  });
  afterAll(() => safe.dispose());

  test('a certificate of its own has to be named', async () => {
    expect(safe.url).toMatch(/^https:/);
    const argv = ['status', '--json', '--url', safe.url, '--token-file', safe.token_file];
    expect(await run(argv)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/AuthenticationFailed.*is not trusted: .*--ca-file/),
    });
    expect(await run([...argv, '--ca-file', certificate])).toMatchObject({ code: 0 });
    const plain = await run(['status', '--url', safe.url.replace('https', 'http')]);
    expect(plain).toMatchObject({ code: 15, out: '' });
  });
});
