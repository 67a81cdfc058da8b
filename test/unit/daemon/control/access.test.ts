/** Who may ask for what: tokens, sessions, names of the host, and other people's pages. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpBench, token } from './http_support.js';

let bench: HttpBench;
beforeEach(async () => {
  bench = new HttpBench();
  await bench.start();
});
afterEach(() => bench.dispose());

const json = { 'content-type': 'application/json' };
const minute_ms = 60_000;

describe('the token', () => {
  test('is wanted for all of the API and for the figures, and not for the probes', async () => {
    for (const path of [
      '/v1/status',
      '/v1/transfers/1/history',
      '/v1/events',
      '/v1/openapi.json',
      '/metrics',
    ]) {
      const answer = await bench.ask(path);
      expect({ path, ...answer }).toMatchObject({ path, status: 401, code: 'AuthenticationFailed' });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await bench.known('/v1/status')).status).toBe(200);
    expect((await bench.known('/metrics')).text).toBe('icbdrep_up 1\n');
    expect((await bench.ask('/livez')).status).toBe(200);
  });

  test('is not needed by who may open the socket', async () => {
    expect((await bench.ask('/v1/status', { over_socket: true })).status).toBe(200);
    const answer = await bench.ask('/v1/session', { over_socket: true, method: 'POST', headers: json });
    expect(JSON.parse(answer.text)).toEqual({ expires_at_ms: null });
  });

  test('is only the whole of it, in its header', async () => {
    const wrong = [`Bearer ${token}x`, `Bearer ${token.slice(0, -1)}`, `Basic ${token}`, token, 'Bearer', ''];
    for (const authorization of wrong) {
      expect((await bench.ask('/v1/status', { headers: { authorization } })).status).toBe(401);
    }
    expect((await bench.ask(`/v1/status?token=${encodeURIComponent(token)}`)).status).toBe(401);
    expect((await bench.ask('/v1/status', { headers: { authorization: `bearer  ${token} ` } })).status).toBe(
      200,
    );
  });

  test('details of the probes are told to those who know it', async () => {
    expect(JSON.parse((await bench.ask('/readyz')).text)).toEqual({
      ok: false,
      checks: [{ name: 'disk', ok: false, text: '' }],
    });
    const known = await bench.known('/readyz');
    expect(known.status).toBe(503);
    expect(known.text).toContain('/srv is full');
  });

  test('who guesses has ten tries in a minute, and never sees it in the log', async () => {
    const guess = () => bench.ask('/v1/status', { headers: { authorization: 'Bearer a-guess-of-somebody' } });
    for (let index = 0; index < 10; index += 1) expect((await guess()).status).toBe(401);
    bench.now_ms += minute_ms / 2;
    const limited = await guess();
    expect(limited).toMatchObject({ status: 429, code: 'Busy' });
    expect(limited.headers['retry-after']).toBe('30');
    // Not even the right one: else the limit would be none.
    expect((await bench.known('/v1/status')).status).toBe(429);
    const log_in = await bench.ask('/v1/session', { method: 'POST', headers: json, body: { token } });
    expect(log_in.status).toBe(429);
    bench.now_ms += minute_ms / 2;
    expect((await bench.known('/v1/status')).status).toBe(200);
    expect(bench.log.filter((line) => line.includes('wrong token'))).toHaveLength(10);
    expect(bench.log.join('')).toContain('127.0.0.1');
    expect(bench.log.join('')).not.toMatch(/a-guess|a token that/);
  });
});

describe('a session', () => {
  test('is a cookie that no script reads and no other site sends', async () => {
    const answer = await bench.ask('/v1/session', { method: 'POST', headers: json, body: { token } });
    expect(JSON.parse(answer.text)).toEqual({ expires_at_ms: bench.now_ms + 12 * 60 * minute_ms });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^icbdrep_${bench.port}=[^;]+; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`),
    );
    expect(cookie).not.toContain(token);
    expect(bench.log.join('')).toContain('logged in');
  });

  test('holds for twelve hours, and over restarts of the daemon', async () => {
    const cookie = await bench.logIn();
    const status = async () =>
      (await bench.ask('/v1/status', { headers: { cookie: `other=1; ${cookie}` } })).status;
    expect(await status()).toBe(200);
    await bench.start();
    expect(await status()).toBe(200);
    bench.now_ms += 12 * 60 * minute_ms - 1;
    expect(await status()).toBe(200);
    bench.now_ms += 1;
    expect(await status()).toBe(401);
  });

  test('cannot be made up or made longer', async () => {
    const cookie = await bench.logIn();
    const [name = '', value = ''] = cookie.split('=');
    const [expiry = '', nonce = '', mac = ''] = value.split('.');
    const later = (Number.parseInt(expiry, 36) + 1_000).toString(36);
    const forged = [
      '',
      '..',
      value.slice(1),
      `${later}.${nonce}.${mac}`,
      `${expiry}.${nonce}.`,
      `${expiry}.${nonce}`,
    ];
    for (const made of forged) {
      expect((await bench.ask('/v1/status', { headers: { cookie: `${name}=${made}` } })).status).toBe(401);
    }
  });

  test('ends with a logout, wherever the cookie was copied to', async () => {
    const cookie = await bench.logIn();
    const answer = await bench.ask('/v1/session', { method: 'DELETE', headers: { cookie } });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']?.[0]).toContain('Max-Age=0');
    expect((await bench.ask('/v1/status', { headers: { cookie } })).status).toBe(401);
  });

  test.each([
    ['a wrong token', { token: 'x' }, 401],
    ['no token', {}, 400],
    ['more than a token', { token, other: 1 }, 400],
    ['too much', { token: 'x'.repeat(5_000) }, 413],
    ['no JSON', 'token', 400],
  ])('is not opened with %s', async (_, body, status) => {
    const answer = await bench.ask('/v1/session', { method: 'POST', headers: json, body });
    expect(answer.status).toBe(status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

const cancel = (headers: Record<string, string>, over_socket = false) =>
  bench.ask('/v1/transfers/1/cancel', { method: 'POST', headers, body: {}, over_socket });

describe("other people's pages", () => {
  test('cannot use the session of who looks at them', async () => {
    const cookie = await bench.logIn();
    const host = `127.0.0.1:${bench.port}`;
    const own: Record<string, string>[] = [
      { origin: `http://${host}` },
      { 'sec-fetch-site': 'same-origin', origin: 'https://name-before-a-proxy' },
    ];
    for (const headers of own) expect((await cancel({ cookie, ...json, ...headers })).status).toBe(200);
    const foreign: Record<string, string>[] = [
      {},
      { origin: 'null' },
      { origin: 'http://evil.example' },
      { origin: `http://${host}.evil.example` },
      { origin: 'http://127.0.0.1:1' },
      { origin: `http://${host}`, 'sec-fetch-site': 'cross-site' },
      { origin: `http://${host}`, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of foreign) {
      const answer = await cancel({ cookie, ...json, ...headers });
      expect([headers, answer.status, answer.code]).toEqual([headers, 403, 'NotPermitted']);
    }
    const form = await cancel({ cookie, origin: `http://${host}`, 'content-type': 'text/plain' });
    expect(form.status).toBe(415);
  });

  test('cannot use a socket that somebody has made a port of this machine', async () => {
    expect((await cancel({ host: 'localhost:8080', ...json }, true)).status).toBe(200);
    expect(
      (await cancel({ host: 'localhost:8080', origin: 'http://localhost:8080', ...json }, true)).status,
    ).toBe(200);
    expect((await cancel({ host: 'localhost:8080', origin: 'http://evil.example' }, true)).status).toBe(403);
    expect((await cancel({ host: 'localhost:8080', 'sec-fetch-site': 'cross-site' }, true)).status).toBe(403);
    expect((await cancel({ host: 'evil.example:8080' }, true)).status).toBe(403);
  });

  test('cannot let their own name lead here', async () => {
    const statusAs = async (host: string) => (await bench.known('/v1/status', { headers: { host } })).status;
    const good = ['127.0.0.1', 'localhost:9411', '[::1]:9411', '10.0.0.5:80', 'backup1.EXAMPLE:443'];
    for (const host of good) expect([host, await statusAs(host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'x', '']) {
      expect([host, await statusAs(host)]).toEqual([host, 403]);
    }
    expect((await bench.ask('/', { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  test('programs that say nothing of an origin need none', async () => {
    const headers = { authorization: `Bearer ${token}` };
    expect((await cancel(headers)).status).toBe(200);
  });
});
