/** A TCP proxy between a replica and its master that counts, holds, slows, cuts and damages what passes. */
import { type Server, type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameScanner, type PayloadSpan } from './frame_scanner.js';

/** Waits shorter than this are saved up: timers are not finer, ms. */
const shortest_wait_ms = 4;

interface Connection {
  /** Opaque: over TLS nobody can see. */
  readonly kind: 'control' | 'data' | 'opaque';
  readonly client: Socket;
  readonly server: Socket;
}

export interface ProxyCounts {
  connections: number;
  /** Payload of data links, master to replica. */
  data_bytes: number;
  /** Everything, master to replica. */
  down_bytes: number;
  /** Connections that were cut. */
  cuts: number;
  /** Bits that were flipped. */
  flips: number;
}

/** A gate that all who pass wait at while it is shut. */
class Gate {
  #opened: Promise<void> | undefined;
  #open: () => void = () => undefined;

  get is_shut(): boolean {
    return this.#opened !== undefined;
  }

  shut(): void {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#opened = undefined;
    this.#open();
  }

  async pass(): Promise<void> {
    while (this.#opened !== undefined) await this.#opened;
  }
}

export class FaultProxy {
  readonly port: number;
  readonly counts: ProxyCounts = { connections: 0, data_bytes: 0, down_bytes: 0, cuts: 0, flips: 0 };
  /** Every piece of data waits for so long, ms. */
  delay_ms = 0;
  /** Of what the master sends. */
  rate_bytes_per_s = Number.POSITIVE_INFINITY;
  /** Whether new connections are closed at once. */
  refuses = false;
  readonly #listener: Server;
  readonly #target_port: number;
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<Socket>();
  readonly #all = new Gate();
  readonly #held = new Gate();
  #hold: { readonly at_bytes: number; readonly reached: () => void } | undefined;
  #flips_due: (() => number)[] = [];
  #free_at_ms = 0;

  private constructor(listener: Server, target_port: number, port: number) {
    this.#listener = listener;
    this.#target_port = target_port;
    this.port = port;
    listener.on('connection', (client) => this.#accept(client));
  }

  /** Listens on loopback, and connects to that port of loopback for each that comes. */
  static async listen(target_port: number): Promise<FaultProxy> {
    // Half-open: an end is passed on when all before it was.
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new FaultProxy(listener, target_port, address.port);
  }

  /** Lets nothing through in either direction, and breaks nothing, until `resume`. */
  pause(): void {
    this.#all.shut();
  }

  resume(): void {
    this.#all.open();
  }

  /**
   * Lets data pass until `data_bytes` of this proxy's count are reached, and then none until `release`.
   * @returns when it is reached
   */
  holdDataAt(data_bytes: number): Promise<void> {
    return new Promise((reached) => {
      this.#hold = { at_bytes: data_bytes, reached };
    });
  }

  /** Waits, in the middle of all that passes, until so many bytes are counted. */
  async reach(data_bytes: number): Promise<void> {
    while (this.counts.data_bytes < data_bytes) await sleep(1);
  }

  release(): void {
    this.#hold = undefined;
    this.#held.open();
  }

  /** Flips one bit of a block that passes next; over TLS, of anything. `random` gives a number in [0, 1). */
  flipNext(random: () => number): void {
    this.#flips_due.push(random);
  }

  /** Breaks connections, the data links only or all; returns how many. */
  cut(which: 'data' | 'all' = 'all'): number {
    const hit = [...this.#connections].filter(({ kind }) => which === 'all' || kind === 'data');
    for (const { client, server } of hit) {
      client.destroy();
      server.destroy();
    }
    this.counts.cuts += hit.length;
    return hit.length;
  }

  /** Ends all faults; what was broken stays so. */
  heal(): void {
    this.delay_ms = 0;
    this.rate_bytes_per_s = Number.POSITIVE_INFINITY;
    this.refuses = false;
    this.#flips_due = [];
    this.release();
    this.resume();
  }

  async close(): Promise<void> {
    this.heal();
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#track(client);
    if (this.refuses) {
      client.destroy();
      return;
    }
    this.counts.connections += 1;
    client.once('data', (first: Buffer) => {
      client.pause();
      const server = connect({
        host: '127.0.0.1',
        port: this.#target_port,
        noDelay: true,
        allowHalfOpen: true,
      });
      this.#track(server);
      server.once('connect', () => {
        server.write(first);
        this.#run({ kind: kindOf(first), client, server });
      });
      server.once('error', () => client.destroy());
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #run(connection: Connection): void {
    const { client, server } = connection;
    this.#connections.add(connection);
    const scanner = new FrameScanner();
    const down = this.#pump(server, client, async (chunk) => this.#passDown(connection, scanner, chunk));
    const up = this.#pump(client, server, async (chunk) => {
      await this.#wait();
      await write(server, chunk);
    });
    void Promise.all([down, up]).then(() => this.#connections.delete(connection));
  }

  async #pump(from: Socket, to: Socket, pass: (chunk: Buffer) => Promise<void>): Promise<void> {
    try {
      for await (const chunk of from) await pass(chunk as Buffer);
      to.end();
    } catch {
      from.destroy();
      to.destroy();
    }
  }

  async #wait(): Promise<void> {
    await this.#all.pass();
    if (this.delay_ms > 0) await sleep(this.delay_ms);
  }

  async #passDown({ kind, client }: Connection, scanner: FrameScanner, chunk: Buffer): Promise<void> {
    await this.#wait();
    const spans = kind === 'opaque' ? [] : scanner.push(chunk);
    this.#flip(kind === 'opaque' ? [{ start: 0, end: chunk.length }] : spans, chunk);
    let at = 0;
    for (const { start, end } of spans) {
      const until = this.#holdsWithin(end - start);
      if (until !== undefined) {
        this.counts.data_bytes += until;
        await write(client, chunk.subarray(at, start + until));
        at = start + until;
        await this.#held.pass();
        this.counts.data_bytes += end - at;
      } else {
        // Another link may have reached it.
        await this.#held.pass();
        this.counts.data_bytes += end - start;
      }
    }
    await write(client, chunk.subarray(at));
    this.counts.down_bytes += chunk.length;
    await this.#keepRate(chunk.length);
  }

  /** After how many of the next bytes of data it stops; undefined if it does not. */
  #holdsWithin(bytes: number): number | undefined {
    const hold = this.#hold;
    if (hold === undefined || this.#held.is_shut || this.counts.data_bytes + bytes < hold.at_bytes) {
      return undefined;
    }
    this.#held.shut();
    hold.reached();
    return Math.max(0, hold.at_bytes - this.counts.data_bytes);
  }

  #flip(spans: readonly PayloadSpan[], chunk: Buffer): void {
    const [span] = spans;
    const random = span === undefined ? undefined : this.#flips_due.shift();
    if (span === undefined || random === undefined) return;
    const at = span.start + Math.floor(random() * (span.end - span.start));
    chunk.writeUInt8(chunk.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
    this.counts.flips += 1;
  }

  async #keepRate(bytes: number): Promise<void> {
    if (!Number.isFinite(this.rate_bytes_per_s)) return;
    const now_ms = performance.now();
    this.#free_at_ms = Math.max(this.#free_at_ms, now_ms) + (bytes * 1_000) / this.rate_bytes_per_s;
    const wait_ms = this.#free_at_ms - now_ms;
    if (wait_ms >= shortest_wait_ms) await sleep(wait_ms);
  }
}

function kindOf(first: Buffer): Connection['kind'] {
  const line = first.toString('latin1', 0, 40);
  if (line.startsWith('GET /v1/data')) return 'data';
  return line.startsWith('GET ') ? 'control' : 'opaque';
}

/** Waits while the socket takes no more; fails when it is closed. */
async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return;
  if (socket.destroyed) throw new Error('closed');
  if (socket.write(bytes)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (): void => {
      socket.off('drain', settle);
      socket.off('close', settle);
      if (socket.destroyed) reject(new Error('closed'));
      else resolve();
    };
    socket.on('drain', settle);
    socket.on('close', settle);
  });
}
