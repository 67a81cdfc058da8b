/** A name server's side of discovery: answers broadcasts that ask for one. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { Clock } from '../core/clock.js';
import { IcbdError } from '../core/errors.js';
import { type DiscoveryAnswer, decodeRequest, encodeAnswer } from './discovery_packets.js';

/** Requests that are answered in one second; more are dropped. */
export const answers_per_second_max = 100;

export interface ResponderOptions {
  /** UDP port that requests are sent to; 0: any free one. */
  readonly port: number;
  /** Where the links are listened for: an IPv4 address of its own is also where answers come from. */
  readonly link_host: string;
  readonly link_port: number;
  readonly node: string;
  readonly tls: boolean;
  readonly clock: Clock;
  /** A failure of the network that leaves the responder working. */
  readonly onError: (error: IcbdError) => void;
}

export interface Responder {
  /** UDP port that it listens on. */
  readonly port: number;
  close(): void;
}

/** Whether only this machine can reach what listens on `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** At most `max` in each second of the clock. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #max: number;
  #second = Number.NEGATIVE_INFINITY;
  #taken = 0;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** Whether one more may pass now. */
  take(): boolean {
    const second = Math.floor(this.#clock.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= this.#max;
  }
}

/** What is answered, and what is not: all of the responder but its sockets. */
export class AnswerRule {
  readonly #own: Omit<DiscoveryAnswer, 'nonce'>;
  readonly #limit: RateLimit;

  constructor(own: Omit<DiscoveryAnswer, 'nonce'>, clock: Clock) {
    this.#own = own;
    this.#limit = new RateLimit(clock, answers_per_second_max);
  }

  /** The answer to a datagram; undefined: none. */
  answerTo(datagram: Buffer, from_address: string): Buffer | undefined {
    if (isLoopback(from_address)) return undefined;
    const nonce = decodeRequest(datagram);
    if (nonce === undefined || !this.#limit.take()) return undefined;
    const answer = encodeAnswer({ nonce, ...this.#own });
    return answer.length > datagram.length ? undefined : answer;
  }
}

function bind(port: number, address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4' });
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => {
      const subject = `${address}:${String(port)}/udp`;
      const hint = 'choose another names.broadcast_port, or stop the program that uses it';
      socket.close();
      reject(new IcbdError('InvalidConfig', cause.message, { operation: 'listen', subject, hint, cause }));
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/**
 * Starts to answer. Broadcasts reach only a socket that is bound to all addresses; where the links have an address
 * of their own, answers are sent from there, since the asker dials where an answer came from.
 * @throws IcbdError `InvalidConfig` if the port cannot be listened on
 */
export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const { port, link_host, link_port, node, tls, clock } = options;
  const listening = await bind(port, '0.0.0.0');
  const has_own_address = isIPv4(link_host) && link_host !== '0.0.0.0';
  let answering = listening;
  try {
    if (has_own_address) answering = await bind(0, link_host);
  } catch (error) {
    listening.close();
    throw error;
  }
  const rule = new AnswerRule({ node, port: link_port, tls }, clock);
  const fail = (cause: Error): void => {
    options.onError(IcbdError.from(cause, 'answer broadcast', `${link_host}/udp`));
  };
  listening.on('error', fail);
  if (answering !== listening) answering.on('error', fail);
  listening.on('message', (datagram: Buffer, from: RemoteInfo) => {
    const answer = rule.answerTo(datagram, from.address);
    if (answer === undefined) return;
    answering.send(answer, from.port, from.address, (cause) => {
      if (cause !== null) fail(cause);
    });
  });
  return {
    port: listening.address().port,
    close: () => {
      listening.close();
      if (answering !== listening) answering.close();
    },
  };
}
