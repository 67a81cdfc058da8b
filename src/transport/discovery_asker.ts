/** Asks the local network for name servers. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import { decodeAnswer, encodeRequest } from './discovery_packets.js';

export const tries_max = 3;
/** Between two tries, and after the last one. */
export const try_wait_ms = 1_000;
/** More answers are not listened to: each costs a link to try. */
const found_max = 32;
export const found_per_host_max = 4;

/** Who said that it is a name server; not proven. */
export interface FoundServer {
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  readonly node: string;
}

export interface AskOptions {
  /** IPv4 broadcast address, or one host's. */
  readonly address: string;
  /** UDP. */
  readonly port: number;
  readonly clock: Clock;
  /** Cryptographic randomness. */
  readonly randomBytes: (size: number) => Buffer;
  /** Ends the asking. */
  readonly signal?: AbortSignal;
}

/** One asking: a socket, its tries, and the answers that were not taken yet. */
class Asking {
  readonly #options: AskOptions;
  readonly #socket: Socket;
  readonly #nonce: string;
  readonly #waiting: FoundServer[] = [];
  readonly #seen = new Map<string, Set<string>>();
  #found = 0;
  #tries = 0;
  #is_over = false;
  #failure: IcbdError | undefined;
  #cancel: () => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor(options: AskOptions) {
    this.#options = options;
    this.#nonce = options.randomBytes(16).toString('hex');
    this.#socket = createSocket({ type: 'udp4' });
    this.#socket.on('error', (cause) => this.#fail(cause));
    this.#socket.on('message', (datagram: Buffer, from: RemoteInfo) => this.#take(datagram, from));
  }

  start(): void {
    this.#options.signal?.addEventListener('abort', this.#abort, { once: true });
    this.#socket.bind(0, '0.0.0.0', () => {
      if (this.#is_over) return;
      this.#socket.setBroadcast(true);
      this.#try();
    });
    if (this.#options.signal?.aborted === true) this.#abort();
  }

  /** The next answer; undefined when all tries are over. @throws IcbdError `Internal` when nothing can be sent */
  async next(): Promise<FoundServer | undefined> {
    for (;;) {
      const found = this.#waiting.shift();
      if (found !== undefined) return found;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#is_over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  end(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#cancel();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#socket.close();
    this.#wake();
  }

  readonly #abort = (): void => {
    this.end();
  };

  #fail(cause: Error): void {
    const { address, port } = this.#options;
    this.#failure ??= new IcbdError('Internal', `cannot ask by broadcast: ${cause.message}`, {
      operation: 'find name server',
      subject: `${address}:${String(port)}/udp`,
      hint: 'name the server in names.server, or another names.broadcast_address',
      cause,
    });
    this.end();
  }

  #try(): void {
    if (this.#tries === tries_max) {
      this.end();
      return;
    }
    this.#tries += 1;
    const { address, port, clock } = this.#options;
    this.#socket.send(encodeRequest(this.#nonce), port, address, (cause) => {
      if (cause !== null && !this.#is_over) this.#fail(cause);
    });
    this.#cancel = clock.after(try_wait_ms, () => this.#try());
  }

  #take(datagram: Buffer, from: RemoteInfo): void {
    const answer = decodeAnswer(datagram);
    if (answer === undefined || answer.nonce !== this.#nonce || this.#found >= found_max) return;
    const url = `${answer.tls ? 'wss' : 'ws'}://${from.address}:${String(answer.port)}`;
    const seen = this.#seen.get(from.address) ?? new Set();
    this.#seen.set(from.address, seen);
    if (seen.has(url) || seen.size >= found_per_host_max) return;
    seen.add(url);
    this.#found += 1;
    this.#waiting.push({ url, node: answer.node });
    this.#wake();
  }
}

/**
 * Asks by broadcast, three times, a second apart; gives each server that answers, once, as it answers.
 * Asking ends when the caller stops to listen.
 * @throws IcbdError `Internal` when the network takes no broadcast
 */
export async function* askForNameServers(options: AskOptions): AsyncGenerator<FoundServer, void, undefined> {
  const asking = new Asking(options);
  asking.start();
  try {
    for (;;) {
      const found = await asking.next();
      if (found === undefined) return;
      yield found;
    }
  } finally {
    asking.end();
  }
}
