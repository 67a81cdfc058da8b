import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import type { Clock } from '../../../src/core/clock.js';
import { stream_start } from '../../../src/core/data_path.js';
import { limits } from '../../../src/core/limits.js';
import { dial } from '../../../src/transport/dial.js';
import {
  createLinkClient,
  type LinkClient,
  type LinkClientOptions,
} from '../../../src/transport/link_client.js';
import {
  createLinkServer,
  type LinkServer,
  type LinkServerOptions,
} from '../../../src/transport/link_server.js';
import { ping_interval_ms } from '../../../src/transport/liveness.js';
import { messageOf, Recorder, until } from '../../contract/link/control_link_suite.js';
import { hurriedClock, master, replica, knownSecret, secret, secrets } from './support.js';

describe('control link on a WebSocket', () => {
  let here: Recorder;
  let there: Recorder;
  let server: LinkServer;
  const ends: (() => void)[] = [];

  async function serve(changes: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
    return createLinkServer({
      ...master,
      host: '127.0.0.1',
      port: 0,
      secretOf: knownSecret,
      handlers: here,
      ...changes,
    });
  }
  function joinUp(changes: Partial<LinkClientOptions> = {}): LinkClient {
    const url = `ws://127.0.0.1:${String(server.port)}`;
    const client = createLinkClient({ ...replica, url, secret, handlers: there, ...changes });
    ends.push(() => {
      client.stop();
    });
    client.start();
    return client;
  }
  /** An authenticated peer that then says what it is told to. */
  async function rawPeer(clock: Clock = replica.clock): Promise<WebSocket> {
    const url = `ws://127.0.0.1:${String(server.port)}`;
    const socket = await new Promise<WebSocket>((resolve, reject) => {
      dial(
        { url },
        { ...replica, clock, secret },
        { kind: 'control' },
        {
          onDone: (_wire, channel) => {
            resolve(channel.release());
          },
          onFailed: reject,
        },
      );
    });
    ends.push(() => {
      socket.terminate();
    });
    await until(() => here.up[0]);
    return socket;
  }

  beforeEach(async () => {
    here = new Recorder();
    there = new Recorder();
    server = await serve();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await server.close();
  });

  it.each([
    ['garbage', 'garbage', 'InvalidMessage', 'not JSON'],
    ['binary data', Buffer.from('{}'), 'InvalidMessage', 'binary'],
    ['an unknown message', '{"type":"dance"}', 'InvalidMessage', 'type'],
    ['an unknown field', '{"type":"ack","id":1,"more":2}', 'InvalidMessage', 'more'],
    [
      'a bad field',
      '{"type":"message","id":1,"floor":1,"to":{"kind":"x","id":"1"},"create":null,"event":{"type":"a"}}',
      'InvalidMessage',
      'to.kind',
    ],
    ['an answer to nothing', '{"type":"response","id":3,"result":1}', 'InvalidMessage', 'no request'],
    ['another handshake', '{"type":"refuse","error":{}}', 'InvalidMessage', 'type'],
    ['a frame over the limit', Buffer.alloc(limits.control_frame_bytes + 1), 'FrameTooLarge', 'frame'],
  ])('ends only the link of a peer that sends %s', async (_what, said, code, words) => {
    const other = new Recorder();
    const second = Buffer.from(secrets.get('replica-2') ?? '');
    joinUp({ node: 'replica-2', instance: 'instance-2', secret: second, handlers: other });
    await until(() => other.up[0]);
    const socket = await rawPeer();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.send(said);
    const { reason } = await until(() => here.down[0]);
    expect(reason.code).toBe(code);
    expect(reason.message).toContain(words);
    expect(await closed).toBe(code === 'FrameTooLarge' ? 1009 : 4003);
    expect(await other.up[0]?.request({ method: 'echo', params: 'alive' })).toBe('alive');
    expect(other.down).toEqual([]);
  });

  it('ends the link of a peer that asks thousands of things at once', async () => {
    here.answer = () => new Promise(() => undefined);
    const socket = await rawPeer();
    for (let id = 1; id <= 3_000; id += 1) {
      socket.send(JSON.stringify({ type: 'request', id, method: 'm', params: null }));
    }
    const { reason } = await until(() => here.down[0]);
    expect(reason).toMatchObject({ code: 'InvalidMessage', message: 'more requests than are answered' });
  });

  it('does not send what the peer would refuse', async () => {
    joinUp();
    const link = await until(() => here.up[0]);
    const huge = 'x'.repeat(limits.control_frame_bytes);
    expect(() => {
      link.sendMessage({ ...messageOf(1, 'replica-1'), event: { type: 'big', huge } }, 1);
    }).toThrow('more than');
    await expect(link.request({ method: 'big', params: huge })).rejects.toMatchObject({
      code: 'FrameTooLarge',
    });
    there.answer = () => Promise.resolve(huge);
    await expect(link.request({ method: 'get', params: null })).rejects.toMatchObject({
      code: 'FrameTooLarge',
    });
    expect(here.down).toEqual([]);
  });

  it('takes an error that only a newer peer knows as Internal, with its text', async () => {
    const socket = await rawPeer();
    socket.on('message', (data: Buffer) => {
      const { type, id } = JSON.parse(data.toString()) as { type: string; id: number };
      const error = {
        code: 'MoonTooFar',
        message: 'far',
        operation: 'fly',
        subject: '',
        retryable: true,
        hint: 'wait',
      };
      if (type === 'request') socket.send(JSON.stringify({ type: 'failure', id, error }));
    });
    const asked = here.up[0]?.request({ method: 'fly', params: null });
    await expect(asked).rejects.toMatchObject({
      code: 'Internal',
      message: 'MoonTooFar: far',
      retryable: true,
      hint: 'wait',
    });
  });

  it('notices a peer that is there but silent', async () => {
    await server.close();
    server = await serve({ clock: hurriedClock(ping_interval_ms, 500) });
    const socket = await rawPeer();
    socket.pause();
    const { reason } = await until(() => here.down[0]);
    expect(reason).toMatchObject({ code: 'LinkLost', message: 'the peer is silent' });
  });

  it('takes other bytes than the answer to a ping as a sign of life, but not as a time', async () => {
    const socket = await rawPeer();
    const link = await until(() => here.up[0]);
    socket.removeAllListeners('ping');
    await expect(link.ping({ timeout_ms: 100 })).rejects.toMatchObject({ code: 'TimedOut' });
    const asked = link.ping({ timeout_ms: 200 });
    socket.send(JSON.stringify({ type: 'request', id: 1, method: 'echo', params: 1 }));
    expect(await asked).toBeNull();
  });

  it('gives a silent peer up after the time it was told to', async () => {
    await server.close();
    server = await serve({ clock: hurriedClock(ping_interval_ms, 500) });
    const socket = await rawPeer();
    const link = await until(() => here.up[0]);
    link.setRhythm({ interval_ms: 100, missed_max: 10 });
    socket.pause();
    const start_ms = Date.now();
    await until(() => here.down[0]);
    expect(Date.now() - start_ms).toBeGreaterThanOrEqual(900);
  });

  it('keeps a link with nothing to say', async () => {
    const clock = hurriedClock(ping_interval_ms, 500);
    await server.close();
    server = await serve({ clock });
    joinUp({ clock });
    await until(() => there.up[0]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([...here.down, ...there.down]).toEqual([]);
  });

  it('comes back after the server was away', async () => {
    const { port } = server;
    const client = joinUp();
    await until(() => there.up[0]);
    await server.close();
    await until(() => there.down[0]);
    expect(there.down[0]?.reason.code).toBe('Interrupted');
    expect(client.link).toBeUndefined();
    server = await serve({ port });
    const link = await until(() => there.up[1]);
    expect(await link.request({ method: 'echo', params: 1 })).toBe(1);
  });

  it('stops dialling when told to, up or not', async () => {
    const client = joinUp();
    await until(() => there.up[0]);
    client.stop();
    expect(there.down).toHaveLength(1);
    const other = joinUp({ url: 'ws://127.0.0.1:1', handlers: new Recorder() });
    other.stop();
    await until(() => here.down[0]);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(here.up).toHaveLength(1);
  });

  it('says what is wrong with an address', async () => {
    const log: string[] = [];
    const client = joinUp({
      url: 'http://x',
      log: (entry) => 'error' in entry && log.push(entry.error.code),
    });
    await until(() => log[0]);
    client.stop();
    expect(log[0]).toBe('InvalidConfig');
    await expect(serve({ port: server.port })).rejects.toMatchObject({
      code: 'InvalidConfig',
      operation: 'listen',
    });
  });

  it('closes a socket that speaks no HTTP', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('\0\0garbage\r\n\r\n');
    await new Promise((resolve) => socket.on('close', resolve));
    joinUp();
    const link = await until(() => there.up[0]);
    expect(await link.request({ method: 'echo', params: 1 })).toBe(1);
  });

  it('works over TLS, and only with the right authority', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'icbdrep-tls-'));
    try {
      const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
      const what = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
      ];
      const names = ['-subj', '/CN=icbdrep test', '-addext', 'subjectAltName=IP:127.0.0.1'];
      execFileSync('openssl', [...what, ...names, '-keyout', key, '-out', cert], { stdio: 'pipe' });
      await server.close();
      server = await serve({ tls: { cert: readFileSync(cert), key: readFileSync(key) } });
      const url = `wss://127.0.0.1:${String(server.port)}`;
      const failures: string[] = [];
      const log: LinkClientOptions['log'] = (entry) => 'error' in entry && failures.push(entry.error.message);
      joinUp({ url, handlers: new Recorder(), log });
      await until(() => failures[0]);
      expect(failures[0]).toMatch(/self.signed/);
      const client = joinUp({ url, tls_ca: readFileSync(cert) });
      const link = await until(() => there.up[0]);
      expect(await link.request({ method: 'echo', params: 'secret talk' })).toBe('secret talk');
      const session = { transfer: 't', attempt: 1 };
      const source = await client.openData(session, { from: stream_start });
      const sink = await server.waitForData({ ...session, node: 'replica-1' });
      await sink.begin;
      await sink.write(Buffer.alloc(1_000_000, 7));
      await sink.end({ stream_bytes: 1_000_000, hash: '0123456789abcdef' });
      let bytes = 0;
      for await (const block of source.blocks) bytes += block.length;
      expect(bytes).toBe(1_000_000);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
