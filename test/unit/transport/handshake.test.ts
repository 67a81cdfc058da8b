import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { IcbdError, type ErrorReport } from '../../../src/core/errors.js';
import { limits, protocol_version } from '../../../src/core/limits.js';
import { createLinkClient } from '../../../src/transport/link_client.js';
import { createLinkServer, type LinkServer } from '../../../src/transport/link_server.js';
import { toWireCapabilities } from '../../../src/transport/messages.js';
import { prove, type Role, type Transcript } from '../../../src/transport/proof.js';
import type { TransportLog } from '../../../src/transport/transport_log.js';
import { Recorder, until } from '../../contract/link/control_link_suite.js';
import { capabilities, hurriedClock, master, replica, secret, secrets } from './support.js';

type Json = Record<string, unknown>;
const control = { kind: 'control' } as const;

/** A peer that says what it is told to. */
class RawPeer {
  readonly heard: Json[] = [];
  readonly closed: { code: number; text: string }[] = [];
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(data.toString()) as Json));
    socket.on('close', (code, text) => this.closed.push({ code, text: text.toString() }));
  }
  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }
  hear(type: string): Promise<Json> {
    return until(() => this.heard.find((message) => message['type'] === type), type);
  }
  refusal(): Promise<ErrorReport> {
    return this.hear('refuse').then((message) => message['error'] as ErrorReport);
  }
}

function helloTo(
  challenge: Json,
  changes: Partial<Transcript> = {},
  role: Role = 'client',
  key = secret,
): Json {
  const transcript: Transcript = {
    purpose: control,
    server_node: challenge['node'] as string,
    server_instance: challenge['instance'] as string,
    server_nonce: challenge['nonce'] as string,
    client_node: 'replica-1',
    client_instance: 'instance-r',
    client_nonce: 'ab'.repeat(32),
    ...changes,
  };
  const wire = toWireCapabilities(capabilities);
  return {
    type: 'hello',
    protocol_version,
    node: transcript.client_node,
    instance: transcript.client_instance,
    nonce: transcript.client_nonce,
    capabilities: wire,
    purpose: control,
    proof: prove(key, role, transcript, wire),
  };
}

describe('handshake', () => {
  let server: LinkServer;
  let handlers: Recorder;
  let log: TransportLog[];
  let peers: RawPeer[];

  beforeEach(async () => {
    handlers = new Recorder();
    log = [];
    peers = [];
    server = await createLinkServer({
      ...master,
      clock: hurriedClock(limits.handshake_ms, 50),
      host: '127.0.0.1',
      port: 0,
      secretOf: (node) => secrets.get(node),
      handlers,
      log: (entry) => log.push(entry),
    });
  });
  afterEach(async () => {
    for (const peer of peers) peer.socket.terminate();
    await server.close();
  });

  function dialRaw(path = '/v1/control'): RawPeer {
    const peer = new RawPeer(new WebSocket(`ws://127.0.0.1:${String(server.port)}${path}`));
    peers.push(peer);
    return peer;
  }

  it('takes a peer that follows the document, and proves itself to it', async () => {
    const peer = dialRaw();
    const challenge = await peer.hear('challenge');
    peer.say(helloTo(challenge));
    const welcome = await peer.hear('welcome');
    const transcript: Transcript = {
      purpose: control,
      server_node: 'master',
      server_instance: 'instance-m',
      server_nonce: challenge['nonce'] as string,
      client_node: 'replica-1',
      client_instance: 'instance-r',
      client_nonce: 'ab'.repeat(32),
    };
    expect(welcome['proof']).toBe(prove(secret, 'server', transcript, toWireCapabilities(capabilities)));
    await until(() => handlers.up[0]);
  });

  it('gives an unknown node and a wrong secret the same answer', async () => {
    const [wrong, unknown] = [dialRaw(), dialRaw()];
    wrong.say(helloTo(await wrong.hear('challenge'), {}, 'client', randomBytes(32)));
    unknown.say(helloTo(await unknown.hear('challenge'), { client_node: 'nobody' }));
    const [a, b] = [await wrong.refusal(), await unknown.refusal()];
    expect(a.code).toBe('AuthenticationFailed');
    expect({ ...a, subject: '' }).toEqual({ ...b, subject: '' });
    await until(() => wrong.closed[0] && unknown.closed[0]);
    expect([wrong.closed[0]?.code, unknown.closed[0]?.code]).toEqual([4001, 4001]);
    expect(handlers.up).toEqual([]);
    expect(log).toHaveLength(2);
    const logged = JSON.stringify(log);
    for (const form of ['utf8', 'hex', 'base64'] as const)
      expect(logged).not.toContain(secret.toString(form));
  });

  it('refuses a proof that was good on another connection', async () => {
    const first = dialRaw();
    const good = helloTo(await first.hear('challenge'));
    first.say(good);
    await first.hear('welcome');
    const second = dialRaw();
    await second.hear('challenge');
    second.say(good);
    expect((await second.refusal()).code).toBe('AuthenticationFailed');
  });

  it("refuses the server's own proof sent back, and a control proof on a data link", async () => {
    const reflected = dialRaw();
    reflected.say(helloTo(await reflected.hear('challenge'), {}, 'server'));
    expect((await reflected.refusal()).code).toBe('AuthenticationFailed');
    const moved = dialRaw('/v1/data');
    const hello = helloTo(await moved.hear('challenge'));
    moved.say({ ...hello, purpose: { kind: 'data', transfer: 't1', attempt: 1 } });
    expect((await moved.refusal()).code).toBe('AuthenticationFailed');
    const misplaced = dialRaw('/v1/data');
    misplaced.say(helloTo(await misplaced.hear('challenge')));
    expect((await misplaced.refusal()).code).toBe('InvalidMessage');
  });

  it('refuses capabilities that were changed under way', async () => {
    const peer = dialRaw();
    const hello = helloTo(await peer.hear('challenge'));
    peer.say({ ...hello, capabilities: { ...capabilities, stream_version_max: 1 } });
    expect((await peer.refusal()).code).toBe('AuthenticationFailed');
  });

  it('names both versions to a client of another one, whatever else its hello holds', async () => {
    const peer = dialRaw();
    await peer.hear('challenge');
    peer.say({ type: 'hello', protocol_version: 9, something: 'new' });
    const refusal = await peer.refusal();
    expect(refusal.code).toBe('ProtocolVersionMismatch');
    expect(refusal.message).toContain(`version ${String(protocol_version)}`);
    expect(refusal.message).toContain('version 9');
    await until(() => peer.closed[0]);
    expect(peer.closed[0]?.code).toBe(4002);
    expect(log[0]).toMatchObject({ kind: 'handshake_failed', error: { code: 'ProtocolVersionMismatch' } });
  });

  it.each([
    ['no JSON', '{"type":', 'InvalidMessage', 'not JSON'],
    ['an unknown type', { type: 'hi' }, 'InvalidMessage', 'type'],
    ['a message out of order', { type: 'refused' }, 'InvalidMessage', 'type'],
    ['a missing field', { type: 'hello', protocol_version }, 'InvalidMessage', 'node'],
    ['too much', JSON.stringify({ type: 'hello', x: 'x'.repeat(70_000) }), 'FrameTooLarge', '65536'],
  ])('refuses %s', async (_what, said, code, words) => {
    const peer = dialRaw();
    await peer.hear('challenge');
    peer.say(said);
    const refusal = await peer.refusal();
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(words);
    await until(() => peer.closed[0]);
  });

  it('gives up on a peer that says nothing', async () => {
    const peer = dialRaw();
    expect((await peer.refusal()).code).toBe('TimedOut');
    await until(() => peer.closed[0]);
    expect(peer.closed[0]?.code).toBe(4004);
  });

  it('knows no other path', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${String(server.port)}/other`);
    const cause = await new Promise<Error>((resolve) => socket.on('error', resolve));
    expect(cause.message).toContain('404');
  });

  it('tells a client with a wrong secret why, and lets it try on at the slow rate', async () => {
    const refused: IcbdError[] = [];
    const waits: number[] = [];
    const client = createLinkClient({
      ...replica,
      url: `ws://127.0.0.1:${String(server.port)}`,
      secret: randomBytes(32),
      handlers: new Recorder(),
      onRefused: (reason) => refused.push(reason),
      log: (entry) => entry.kind === 'dial_failed' && waits.push(entry.retry_ms),
    });
    client.start();
    const reason = await until(() => refused[0]);
    client.stop();
    expect(reason).toBeInstanceOf(IcbdError);
    expect(reason.code).toBe('AuthenticationFailed');
    expect(reason.hint).toContain('secret');
    expect(waits[0]).toBeGreaterThanOrEqual(7_500);
  });

  it('refuses a secret that is too short', () => {
    const url = 'ws://127.0.0.1:1';
    expect(() => createLinkClient({ ...replica, url, secret: Buffer.from('short'), handlers })).toThrow(
      'shorter than 16',
    );
  });
});

describe('handshake with a false server', () => {
  const servers: WebSocketServer[] = [];
  afterEach(() => {
    for (const server of servers) {
      for (const socket of server.clients) socket.terminate();
      server.close();
    }
  });

  /** Runs a client against a server that answers as told. */
  async function refusedBy(challenge: Json, answer: (hello: Json) => unknown): Promise<[IcbdError, Json[]]> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    servers.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    const heard: Json[] = [];
    server.on('connection', (socket) => {
      socket.send(
        JSON.stringify({
          type: 'challenge',
          protocol_version,
          node: 'master',
          instance: 'm',
          nonce: 'cd'.repeat(32),
          ...challenge,
        }),
      );
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Json;
        heard.push(message);
        if (message['type'] === 'hello') socket.send(JSON.stringify(answer(message)));
      });
    });
    const { port } = server.address() as { port: number };
    const refused: IcbdError[] = [];
    const handlers = new Recorder();
    const url = `ws://127.0.0.1:${String(port)}`;
    const client = createLinkClient({
      ...replica,
      url,
      secret,
      handlers,
      onRefused: (reason) => refused.push(reason),
    });
    client.start();
    const reason = await until(() => refused[0]);
    await until(() => heard.some(({ type }) => type === 'refuse'));
    client.stop();
    expect(handlers.up).toEqual([]);
    return [reason, heard];
  }

  it('does not trust one that cannot prove itself', async () => {
    const [reason] = await refusedBy({}, () => ({ type: 'welcome', capabilities, proof: '00'.repeat(32) }));
    expect(reason.code).toBe('AuthenticationFailed');
  });

  it('does not take its own proof for the proof of the server', async () => {
    const [reason] = await refusedBy({}, (hello) => ({
      type: 'welcome',
      capabilities,
      proof: hello['proof'],
    }));
    expect(reason.code).toBe('AuthenticationFailed');
  });

  it('tells both sides when the server speaks another version, before any proof is given', async () => {
    const [reason, heard] = await refusedBy({ protocol_version: 1, extra: true }, () => undefined);
    expect(reason.code).toBe('ProtocolVersionMismatch');
    expect(reason.message).toMatch(new RegExp(`version ${String(protocol_version)} .* version 1`));
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatchObject({ type: 'refuse', error: { message: reason.message } });
  });
});
