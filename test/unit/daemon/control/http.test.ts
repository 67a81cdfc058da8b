/** The page's files, headers of all answers, and requests that are none. */
import { request } from 'node:http';
import { gunzipSync, brotliDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpBench } from './http_support.js';

const script = `console.log(${JSON.stringify('much '.repeat(2_000))})`;

let bench: HttpBench;
beforeAll(async () => {
  bench = new HttpBench();
  bench.buildPage({
    'index.html': '<!doctype html><title>icbdrep</title>',
    'assets/index-1a2b.js': script,
    'assets/dot.png': 'no real picture',
  });
  await bench.start();
});
afterAll(() => bench.dispose());

const html = { accept: 'text/html,application/xhtml+xml' };

describe('the page', () => {
  test('comes for its own paths, without a login', async () => {
    for (const path of ['/', '/index.html', '/transfers', '/transfer/17-3fa9?at=3', '/image/vm%2F1']) {
      const answer = await bench.ask(path, { headers: html });
      expect({ path, status: answer.status, text: answer.text }).toEqual({
        path,
        status: 200,
        text: '<!doctype html><title>icbdrep</title>',
      });
      expect(answer.headers['cache-control']).toBe('no-cache');
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    }
    expect((await bench.ask('/', { over_socket: true })).status).toBe(200);
    expect((await bench.ask('/transfers')).status).toBe(404);
  });

  test('takes nothing from elsewhere and is shown nowhere else', async () => {
    for (const path of ['/', '/assets/index-1a2b.js', '/v1/status', '/nowhere.js', '/livez']) {
      const { headers } = await bench.ask(path);
      expect(headers['content-security-policy']).toMatch(/^default-src 'self'; .*frame-ancestors 'none'/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  test('assets are kept for ever, compressed for those who can, and known by their tags', async () => {
    const path = '/assets/index-1a2b.js';
    const plain = await bench.ask(path);
    expect(plain.text).toBe(script);
    expect(plain.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
      'content-length': String(script.length),
    });
    const brotli = await bench.ask(path, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    expect(brotli.headers['content-encoding']).toBe('br');
    expect(brotliDecompressSync(brotli.bytes).toString()).toBe(script);
    const gzip = await bench.ask(path, { headers: { 'accept-encoding': 'br;q=0, gzip' } });
    expect(gunzipSync(gzip.bytes).toString()).toBe(script);
    const tags = [plain, brotli, gzip].map(({ headers }) => headers.etag ?? '');
    expect(new Set(tags).size).toBe(3);
    const again = await bench.ask(path, { headers: { 'if-none-match': `"other", W/${tags[0]}` } });
    expect([again.status, again.text]).toEqual([304, '']);
    const picture = await bench.ask('/assets/dot.png', { headers: { 'accept-encoding': 'br' } });
    expect(picture.headers['content-encoding']).toBeUndefined();
  });

  test('HEAD says the same without the bytes', async () => {
    const answer = await bench.ask('/assets/index-1a2b.js', { method: 'HEAD' });
    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([
      200,
      '',
      String(script.length),
    ]);
    expect((await bench.known('/v1/status', { method: 'HEAD' })).status).toBe(200);
  });

  test('no path leads out of it', async () => {
    const paths = [
      '/../token',
      '/assets/../../token',
      '/%2e%2e/token',
      '/assets/%2e%2e%2f%2e%2e%2ftoken',
      '/assets/..%5c..%5ctoken',
      '//etc/passwd',
      '/assets//../token',
      '/assets/',
      '/assets/%00',
      '/control.sock',
    ];
    for (const path of paths) {
      const { status, text } = await bench.ask(path);
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(text).not.toContain('a token that');
    }
  });

  test('one that was built anew is served at once; one that is not there says what to do', async () => {
    const other = new HttpBench();
    try {
      await other.start();
      const missing = await other.ask('/', { headers: html });
      expect(missing.status).toBe(404);
      expect(missing.text).toContain('npm run build');
      other.buildPage({ 'index.html': 'one', 'assets/a.js': '1' });
      expect((await other.ask('/')).text).toBe('one');
    } finally {
      await other.dispose();
    }
  });
});

describe('answers', () => {
  test('long ones are compressed for those who can, and none is kept', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const answer = await bench.known('/v1/replicas', { headers });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(gunzipSync(answer.bytes).toString())).toHaveLength(500);
    const short = await bench.known('/v1/status', { headers });
    expect(short.headers['content-encoding']).toBeUndefined();
  });

  test.each([
    ['GET', '/v1/nothing', 404, 'InvalidArgument'],
    ['GET', '/nothing.js', 404, 'InvalidArgument'],
    ['POST', '/v1/status', 405, 'InvalidArgument'],
    ['PUT', '/v1/transfers/1', 405, 'InvalidArgument'],
    ['POST', '/', 405, 'InvalidArgument'],
    ['POST', '/livez', 405, 'InvalidArgument'],
    ['GET', '/v1/transfers/none', 404, 'TransferNotFound'],
    ['GET', '/v1/transfers/%E0%A4%A', 400, 'InvalidArgument'],
    ['GET', '/v1/status?what=1', 400, 'InvalidArgument'],
    ['GET', '/v1/transfers/bug', 500, 'Internal'],
    ['GET', '/v1/events', 403, 'NotPermitted'],
  ])('%s %s is answered with %i %s', async (method, path, status, code) => {
    expect(await bench.known(path, { method })).toMatchObject({ status, code });
  });

  test('a bug stands in the log; a request that is wrong does not', async () => {
    await bench.known('/v1/transfers/bug');
    await bench.known('/v1/transfers/none');
    const errors = bench.log.filter((line) => line.includes('control request failed'));
    expect(errors.length).toBeGreaterThan(0);
    for (const line of errors) expect(line).toContain('a bug');
  });

  test.each([
    ['no JSON', '{', 400],
    ['a list', '[]', 400],
    ['what is not known', '{"other":1}', 400],
    ['more than a megabyte', `{"node":"${'x'.repeat(1_100_000)}"}`, 413],
    ['just enough', '{"node":"replica1"}', 200],
  ])('a body with %s', async (_, body, status) => {
    const headers = { 'content-type': 'application/json' };
    expect((await bench.known('/v1/node/ping', { method: 'POST', headers, body })).status).toBe(status);
  });
});

describe('what is no request', () => {
  test('many headers, or one that does not end, are refused', async () => {
    const head = 'GET /v1/status HTTP/1.1\r\nhost: localhost\r\n';
    expect(await bench.send(`${head}x: ${'y'.repeat(40_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(await bench.send('GET /v1/status HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(
      await bench.send(`${head}host: evil.example\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 400 /);
  });

  test('nothing that anybody sends ends the daemon', async () => {
    const method = fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'CONNECT', 'TRACE', 'get', '');
    const path = fc.oneof(
      fc.constantFrom(
        '*',
        '/',
        '//',
        '/v1/',
        '/v1//',
        '/v1/session',
        '/v1/events',
        'http://x/v1/status',
        '/%',
      ),
      fc.webPath(),
      fc.string({ maxLength: 60 }),
    );
    const header = fc.tuple(
      fc.constantFrom(
        'host',
        'cookie',
        'authorization',
        'content-length',
        'transfer-encoding',
        'expect',
        'upgrade',
      ),
      fc.oneof(fc.constantFrom('chunked', '100-continue', 'websocket', '-1', '[::1', 'Bearer'), fc.string()),
    );
    const message = fc
      .tuple(method, path, fc.array(header, { maxLength: 4 }), fc.string({ maxLength: 200 }))
      .map(([verb, target, headers, body]) => {
        const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        return `${verb} ${target} HTTP/1.1\r\n${lines}connection: close\r\n\r\n${body}`;
      });
    const bytes = fc.oneof(
      { weight: 4, arbitrary: message },
      fc.uint8Array().map((all) => Buffer.from(all)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        expect(await bench.send(sent)).not.toMatch(/^HTTP\/1.1 500/);
      }),
      { numRuns: 300 },
    );
    expect((await bench.known('/v1/status')).status).toBe(200);
    expect(bench.log.filter((line) => line.includes('"level":"error"') && !line.includes('a bug'))).toEqual(
      [],
    );
  });

  test('a client that leaves before its answer holds nothing', async () => {
    const asked = request({ host: '127.0.0.1', port: bench.port, path: '/v1/replicas' });
    asked.on('error', () => undefined);
    asked.flushHeaders();
    await new Promise((resolve) => setImmediate(resolve));
    asked.destroy();
    expect((await bench.known('/v1/status')).status).toBe(200);
  });
});
