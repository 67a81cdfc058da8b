import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  askForNameServers,
  found_per_host_max,
  tries_max,
  try_wait_ms,
} from '../../../src/transport/discovery_asker.js';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  request_bytes,
  request_bytes_min,
} from '../../../src/transport/discovery_packets.js';
import {
  AnswerRule,
  answers_per_second_max,
  isLoopback,
  startResponder,
} from '../../../src/transport/discovery_responder.js';
import { hurriedClock, real_clock } from './support.js';

const nonce = 'ab'.repeat(16);
const own = { node: 'names', port: 9409, tls: false };
const neighbour = '10.0.0.7';

const read = (value: unknown): string | undefined => decodeRequest(Buffer.from(JSON.stringify(value)));

async function all<T>(given: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of given) found.push(one);
  return found;
}

describe('packets of discovery', () => {
  test('what is encoded is decoded', () => {
    expect(encodeRequest(nonce)).toHaveLength(request_bytes);
    expect(decodeRequest(encodeRequest(nonce))).toBe(nonce);
    expect(decodeAnswer(encodeAnswer({ nonce, ...own }))).toEqual({ nonce, ...own });
  });

  test('an answer fits into the request, with the longest node name there is', () => {
    const names = ['"'.repeat(255), '\\'.repeat(255), 'ä'.repeat(127), 'n'.repeat(255)];
    for (const node of names) {
      const answer = encodeAnswer({ nonce, node, port: 65_535, tls: false });
      expect(answer.length).toBeLessThanOrEqual(encodeRequest(nonce).length);
    }
  });

  test('a request that is too short, of another version, or with more in it, is none', () => {
    const plain = { icbdrep: 'find name server', version: 1, nonce, padding: ' '.repeat(600) };
    expect(read(plain)).toBe(nonce);
    expect(read({ ...plain, padding: '' })).toBeUndefined();
    expect(read({ ...plain, version: 2 })).toBeUndefined();
    expect(read({ ...plain, nonce: 'short' })).toBeUndefined();
    expect(read({ ...plain, host: 'evil' })).toBeUndefined();
    expect(read({ ...plain, padding: ' '.repeat(2_000) })).toBeUndefined();
    expect(decodeRequest(encodeRequest(nonce).subarray(0, request_bytes_min))).toBeUndefined();
  });

  test('no datagram makes either side throw, and none of chance is taken', () => {
    const rule = new AnswerRule(own, real_clock);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_600 }), (bytes) => {
        const datagram = Buffer.from(bytes);
        expect(decodeAnswer(datagram)).toBeUndefined();
        expect(rule.answerTo(datagram, neighbour)).toBeUndefined();
      }),
    );
  });

  test('a datagram with flipped bits is refused, or says what it says whole', () => {
    const whole = encodeAnswer({ nonce, ...own });
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(flips, (changes) => {
        const damaged = Buffer.from(whole);
        for (const [at, bits] of changes) damaged[at] = (damaged[at] ?? 0) ^ bits;
        const answer = decodeAnswer(damaged);
        expect(answer === undefined ? undefined : decodeAnswer(encodeAnswer(answer))).toEqual(answer);
      }),
    );
  });

  test('any JSON is refused, or is an answer that can be dialled', () => {
    const like = fc.record({
      icbdrep: fc.constantFrom<unknown>('name server', 'find name server', 1, null),
      version: fc.constantFrom<unknown>(1, 2, '1'),
      nonce: fc.constantFrom<unknown>(nonce, '', 7),
      node: fc.oneof(fc.string(), fc.jsonValue()),
      port: fc.oneof(fc.integer({ min: -1, max: 70_000 }), fc.jsonValue()),
      tls: fc.oneof(fc.boolean(), fc.jsonValue()),
    });
    fc.assert(
      fc.property(fc.oneof(like, fc.jsonValue()), (value) => {
        const answer = decodeAnswer(Buffer.from(JSON.stringify(value)));
        const { port, node } = answer ?? own;
        expect(port > 0 && port < 65_536 && node.length > 0).toBe(true);
      }),
    );
  });
});

describe('the rule of the responder', () => {
  test('answers with the nonce it was asked with, and with nothing secret', () => {
    const answer = new AnswerRule(own, real_clock).answerTo(encodeRequest(nonce), neighbour);
    expect(JSON.parse(String(answer))).toEqual({ icbdrep: 'name server', version: 1, nonce, ...own });
  });

  test('is off on loopback', () => {
    const rule = new AnswerRule(own, real_clock);
    expect(rule.answerTo(encodeRequest(nonce), '127.0.0.1')).toBeUndefined();
    expect(rule.answerTo(encodeRequest(nonce), '127.8.8.8')).toBeUndefined();
    expect(['127.0.0.1', 'localhost', '::1'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '10.0.0.1', '::', '127.example'].some(isLoopback)).toBe(false);
  });

  test('never says more than it was asked', () => {
    const rule = new AnswerRule({ ...own, node: '"'.repeat(255) }, real_clock);
    const short = { icbdrep: 'find name server', version: 1, nonce, padding: ' '.repeat(420) };
    const request = Buffer.from(JSON.stringify(short));
    expect(request.length).toBeGreaterThanOrEqual(request_bytes_min);
    expect(rule.answerTo(request, neighbour)).toBeUndefined();
    expect(rule.answerTo(encodeRequest(nonce), neighbour)).toBeDefined();
  });

  test('answers so many in a second, and again in the next one', () => {
    let now_ms = 5_000;
    const rule = new AnswerRule(own, { now: () => now_ms, after: () => () => undefined });
    const ask = (): number =>
      Array.from({ length: 3 * answers_per_second_max }, () =>
        rule.answerTo(encodeRequest(nonce), neighbour),
      ).filter((answer) => answer !== undefined).length;
    expect(ask()).toBe(answers_per_second_max);
    now_ms += 999;
    expect(ask()).toBe(0);
    now_ms += 1;
    expect(ask()).toBe(answers_per_second_max);
  });
});

describe('asking over a socket', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  /** A socket that answers requests with what `reply` makes of them, and counts them. */
  async function server(
    reply: (nonce: string, from: RemoteInfo, socket: Socket) => void,
  ): Promise<{ port: number; requests: Buffer[] }> {
    const socket = createSocket('udp4');
    sockets.push(socket);
    const requests: Buffer[] = [];
    socket.on('message', (datagram: Buffer, from) => {
      requests.push(datagram);
      reply(decodeRequest(datagram) ?? '', from, socket);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return { port: socket.address().port, requests };
  }

  const hurried = hurriedClock(try_wait_ms, 10);
  const ask = (port: number, signal?: AbortSignal) =>
    askForNameServers({
      address: '127.0.0.1',
      port,
      clock: hurried,
      randomBytes,
      ...(signal === undefined ? {} : { signal }),
    });

  test('asks three times, always with the same nonce, and gives up', async () => {
    const { port, requests } = await server(() => undefined);
    const found = await all(ask(port));
    expect(found).toEqual([]);
    expect(requests).toHaveLength(tries_max);
    expect(new Set(requests.map(decodeRequest)).size).toBe(1);
    expect(decodeRequest(requests[0] as Buffer)).toMatch(/^[0-9a-f]{32}$/);
  });

  test('takes the host from where the answer came, and each server once', async () => {
    const { port } = await server((asked, from, socket) => {
      socket.send(encodeAnswer({ nonce: asked, ...own }), from.port, from.address);
      socket.send(
        encodeAnswer({ nonce: asked, node: 'tls', port: 9410, tls: true }),
        from.port,
        from.address,
      );
    });
    const found = await all(ask(port));
    expect(found).toEqual([
      { url: 'ws://127.0.0.1:9409', node: 'names' },
      { url: 'wss://127.0.0.1:9410', node: 'tls' },
    ]);
  });

  test('answers to another nonce and broken ones are not taken; one that comes late is', async () => {
    let asked_times = 0;
    const { port } = await server((asked, from, socket) => {
      asked_times += 1;
      socket.send(encodeAnswer({ nonce: 'cd'.repeat(16), ...own }), from.port, from.address);
      socket.send(Buffer.from('{"icbdrep":'), from.port, from.address);
      if (asked_times === tries_max)
        socket.send(encodeAnswer({ nonce: asked, ...own, port: 7 }), from.port, from.address);
    });
    expect(await all(ask(port))).toEqual([{ url: 'ws://127.0.0.1:7', node: 'names' }]);
  });

  test('one host cannot fill the list', async () => {
    const { port } = await server((asked, from, socket) => {
      for (let link_port = 1; link_port <= 50; link_port += 1) {
        socket.send(encodeAnswer({ nonce: asked, ...own, port: link_port }), from.port, from.address);
      }
    });
    expect(await all(ask(port))).toHaveLength(found_per_host_max);
  });

  test('ends when one is enough, and when it is aborted', async () => {
    const { port, requests } = await server((asked, from, socket) => {
      socket.send(encodeAnswer({ nonce: asked, ...own }), from.port, from.address);
    });
    for await (const found of ask(port)) {
      expect(found.node).toBe('names');
      break;
    }
    expect(requests).toHaveLength(1);
    const silent = await server(() => undefined);
    const controller = new AbortController();
    const asking = all(ask(silent.port, controller.signal));
    controller.abort();
    expect(await asking).toEqual([]);
    expect(await all(ask(silent.port, AbortSignal.abort()))).toEqual([]);
  });

  test('an address that takes no datagrams is an error with a hint', async () => {
    const asking = all(askForNameServers({ address: '::1', port: 9, clock: hurried, randomBytes }));
    await expect(asking).rejects.toMatchObject({ code: 'Internal', operation: 'find name server' });
  });

  test('a responder does not answer what comes from loopback', async () => {
    const errors: unknown[] = [];
    const responder = await startResponder({
      port: 0,
      link_host: '0.0.0.0',
      link_port: 9409,
      node: 'names',
      tls: false,
      clock: real_clock,
      onError: (error) => errors.push(error),
    });
    try {
      expect(await all(ask(responder.port))).toEqual([]);
    } finally {
      responder.close();
    }
    expect(errors).toEqual([]);
  });

  test('a port that is taken is said', async () => {
    const { port } = await server(() => undefined);
    const options = {
      link_host: '0.0.0.0',
      link_port: 1,
      node: 'n',
      tls: false,
      clock: real_clock,
      onError: () => undefined,
    };
    await expect(startResponder({ ...options, port })).rejects.toMatchObject({ code: 'InvalidConfig' });
  });
});
