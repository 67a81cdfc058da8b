import type { WebSocket } from 'ws';
import type { Clock } from '../../../src/core/clock.js';
import { stream_start, type DataSource, type StreamPlace } from '../../../src/core/data_path.js';
import { WsDataSink } from '../../../src/transport/data_sink.js';
import { WsDataSource } from '../../../src/transport/data_source.js';
import { dial } from '../../../src/transport/dial.js';
import {
  createLinkClient,
  type LinkClient,
  type LinkClientOptions,
} from '../../../src/transport/link_client.js';
import { createLinkServer, type LinkServer } from '../../../src/transport/link_server.js';
import type { TransportLog } from '../../../src/transport/transport_log.js';
import { Recorder } from '../../contract/link/control_link_suite.js';
import { knownSecret, master, replica, secret } from './support.js';

export const session = { transfer: 'transfer-1', attempt: 2 };
export const for_replica = { ...session, node: 'replica-1' };
export const from_start = JSON.stringify({ type: 'from', place: stream_start });

export async function pause_ms(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server and what opens data links to it, on real sockets. */
export class DataPair {
  readonly server: LinkServer;
  readonly client: LinkClient;
  readonly log: TransportLog[];
  readonly #clock: Clock;
  readonly #sockets: WebSocket[] = [];

  private constructor(server: LinkServer, log: TransportLog[], clock: Clock) {
    this.server = server;
    this.log = log;
    this.#clock = clock;
    this.client = this.clientOf({});
  }

  /** @param clock of both ends */
  static async start(clock: Clock = master.clock): Promise<DataPair> {
    const log: TransportLog[] = [];
    const server = await createLinkServer({
      ...master,
      clock,
      host: '127.0.0.1',
      port: 0,
      secretOf: knownSecret,
      handlers: new Recorder(),
      log: (entry) => log.push(entry),
    });
    return new DataPair(server, log, clock);
  }

  clientOf(changes: Partial<LinkClientOptions>): LinkClient {
    const handlers = new Recorder();
    return createLinkClient({ ...replica, clock: this.#clock, url: this.#url, secret, handlers, ...changes });
  }

  /** Both ends of a link, the sending one when it knows from where. */
  async open(from: StreamPlace = stream_start): Promise<{ source: WsDataSource; sink: WsDataSink }> {
    const source = await this.openSource(from);
    const sink = await this.sinkOf();
    await sink.begin;
    return { source, sink };
  }

  async openSource(from: StreamPlace = stream_start): Promise<WsDataSource> {
    return oursOf(await this.client.openData(session, { from }));
  }

  async sinkOf(): Promise<WsDataSink> {
    const sink = await this.server.waitForData(for_replica);
    if (!(sink instanceof WsDataSink)) throw new Error('not our sink');
    return sink;
  }

  /** An authenticated data link without our receiver on it, which has said nothing. */
  rawReceiver(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      dial(
        { url: this.#url },
        { ...replica, secret },
        { kind: 'data', ...session },
        {
          onDone: (_wire, channel) => {
            const socket = channel.release();
            this.#sockets.push(socket);
            resolve(socket);
          },
          onFailed: reject,
        },
      );
    });
  }

  async dispose(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await this.server.close();
  }

  get #url(): string {
    return `ws://127.0.0.1:${String(this.server.port)}`;
  }
}

function oursOf(source: DataSource): WsDataSource {
  if (!(source instanceof WsDataSource)) throw new Error('not our source');
  return source;
}

/** All blocks as texts; fails as they do. */
export async function textsOf(source: DataSource): Promise<string[]> {
  const got: string[] = [];
  for await (const block of source.blocks) got.push(block.toString());
  return got;
}
