/** Name servers, and those who say that they are, on real sockets of loopback. */
import { randomBytes } from 'node:crypto';
import { type Socket, createSocket } from 'node:dgram';
import { type Server, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { NameRegistry } from '../../../../src/daemon/names/name_registry.js';
import { answerNameRequest } from '../../../../src/daemon/names/name_requests.js';
import { Storage } from '../../../../src/storage/storage.js';
import { decodeRequest, encodeAnswer } from '../../../../src/transport/discovery_packets.js';
import { type LinkServer, createLinkServer } from '../../../../src/transport/link_server.js';
import { capabilities, real_clock } from '../../transport/support.js';

const secret = Buffer.from('a secret of the nodes, long enough');
export const identity = {
  node: 'r1',
  instance: 'instance-r1',
  capabilities,
  clock: real_clock,
  randomBytes,
  secret,
};

export interface RunningNames {
  readonly url: string;
  readonly port: number;
  readonly registry: NameRegistry;
  close(): Promise<void>;
}

/** A name server; with another secret it is a stranger. */
export async function startNames(node: string, its_secret = secret, port = 0): Promise<RunningNames> {
  const storage = Storage.open(':memory:');
  const registry = new NameRegistry({ storage, clock: real_clock, node, unreachable_s: 60 });
  const server: LinkServer = await createLinkServer({
    host: '127.0.0.1',
    port,
    node,
    instance: `instance-${node}`,
    capabilities,
    clock: real_clock,
    randomBytes,
    secretOf: () => its_secret,
    names: {
      onRequest: (link, request) =>
        answerNameRequest(registry, { node: link.peer.node, role: 'replica' }, request),
    },
  });
  const url = `ws://127.0.0.1:${server.port}`;
  registry.open(url);
  return {
    url,
    port: server.port,
    registry,
    close: async () => {
      await server.close();
      storage.close();
    },
  };
}

export const strangers_secret = Buffer.from('what a stranger believes the secret to be');

export interface RunningAnswerer {
  readonly port: number;
  /** Requests so far. */
  readonly asked: () => number;
  close(): void;
}

/** Answers each request with these link ports, in this order. */
export async function startAnswerer(
  answers: readonly { node: string; port: number }[],
): Promise<RunningAnswerer> {
  const socket: Socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (datagram: Buffer, from) => {
    asked += 1;
    const nonce = decodeRequest(datagram) ?? '';
    for (const answer of answers) {
      socket.send(encodeAnswer({ nonce, tls: false, ...answer }), from.port, from.address);
    }
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, asked: () => asked, close: () => socket.close() };
}

/** A port on which connections are taken and nothing is ever said. */
export async function startTarpit(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer((socket) => socket.on('error', () => undefined));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const pit = await startTarpit();
  await pit.close();
  return pit.port;
}
