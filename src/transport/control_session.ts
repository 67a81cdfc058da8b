/** A control link on an authenticated channel: durable messages, acknowledgements, requests. */
import type { Clock } from '../core/clock.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import type { ControlLink, LinkHandlers, LivenessRhythm, Peer, Request } from '../core/link.js';
import type { OutgoingMessage } from '../core/records.js';
import type { TextChannel } from './channel.js';
import {
  encodeControlMessage,
  fromWireError,
  parseControlMessage,
  toWireError,
  type ControlMessage,
} from './messages.js';
import { PendingPings } from './pending_pings.js';
import { PendingRequests, type RequestOptions } from './pending_requests.js';

/** Requests of one peer that may be worked on at the same time; one more ends its link. */
export const requests_max = 1_000;
/** Unsent bytes at which a peer that asks on without reading loses its link. */
const backlog_bytes_max = 64 * 1024 * 1024;

const operation = 'control link';

type MessageOf<T extends ControlMessage['type']> = Extract<ControlMessage, { type: T }>;

export interface SessionOptions {
  readonly channel: TextChannel;
  readonly peer: Peer;
  readonly session: string;
  readonly handlers: LinkHandlers;
  readonly clock: Clock;
  /** Called after `handlers.onDown`. */
  onEnded(session: ControlSession, reason: ErrorReport): void;
  /** A handler threw where nobody else can be told. */
  onHandlerFailed(reason: IcbdError): void;
}

export class ControlSession implements ControlLink {
  readonly peer: Peer;
  readonly session: string;
  readonly #options: SessionOptions;
  readonly #channel: TextChannel;
  readonly #pending: PendingRequests;
  readonly #pings: PendingPings;
  #incoming_requests = 0;
  #state: 'new' | 'up' | 'ended' = 'new';

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.#pending = new PendingRequests(options.clock);
    this.#pings = new PendingPings(options.clock);
    this.peer = options.peer;
    this.session = options.session;
  }

  get is_up(): boolean {
    return this.#state === 'up';
  }

  /** Starts to listen, and tells the owner; its `onUp` may use the link at once. */
  open(): void {
    this.#state = 'up';
    this.#channel.listen({
      onText: (text) => {
        this.#receive(text);
      },
      onBroken: (reason) => {
        this.#end(reason.toReport());
      },
    });
    this.#guard('onUp', () => {
      this.#options.handlers.onUp(this);
    });
  }

  sendMessage(message: OutgoingMessage, floor: number): void {
    const { id, to, create, event } = message;
    // JSON leaves out what is undefined, and the peer's schema wants the field.
    this.#send({
      type: 'message',
      id,
      floor,
      to: { kind: to.kind, id: to.id },
      create: create ?? null,
      event,
    });
  }

  request(request: Request, options: RequestOptions = {}): Promise<unknown> {
    const { method, params } = request;
    if (!this.is_up) {
      const details = { operation: `request ${method}`, subject: this.peer.node };
      return Promise.reject(new IcbdError('LinkLost', 'the link is down', details));
    }
    return this.#pending.start(method, this.peer.node, options, (id) => {
      this.#send({ type: 'request', id, method, params: params ?? null });
    });
  }

  ping({ timeout_ms }: { readonly timeout_ms: number }): Promise<number | null> {
    if (this.is_up) return this.#pings.start(this.#channel, this.peer.node, timeout_ms);
    const details = { operation: 'ping', subject: this.peer.node };
    return Promise.reject(new IcbdError('LinkLost', 'the link is down', details));
  }

  setRhythm(rhythm: LivenessRhythm): void {
    this.#channel.rhythm.set(rhythm);
  }

  close(reason: ErrorReport): void {
    if (!this.is_up) return;
    this.#send({ type: 'close', error: toWireError(reason) });
    this.#channel.close(reason);
    this.#end(reason);
  }

  #send(message: ControlMessage): void {
    if (this.is_up) this.#channel.send(encodeControlMessage(message));
  }

  #end(reason: ErrorReport): void {
    if (!this.is_up) return;
    this.#state = 'ended';
    this.#pending.rejectAll(reason);
    this.#pings.rejectAll(reason);
    try {
      this.#options.handlers.onDown(this, reason);
    } catch (thrown) {
      this.#options.onHandlerFailed(IcbdError.from(thrown, 'onDown', this.peer.node));
    }
    this.#options.onEnded(this, reason);
  }

  /** Runs a handler; if it throws, the link cannot keep its promises any more and is closed. */
  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#fail(what, thrown);
    }
  }

  #fail(what: string, thrown: unknown): void {
    const reason = IcbdError.from(thrown, what, this.peer.node);
    this.#options.onHandlerFailed(reason);
    this.close(reason.toReport());
  }

  #receive(text: string): void {
    let message: ControlMessage;
    try {
      message = parseControlMessage(text);
    } catch (thrown) {
      this.close(IcbdError.from(thrown, operation, this.peer.node).toReport());
      return;
    }
    this.#dispatch(message);
  }

  #dispatch(message: ControlMessage): void {
    switch (message.type) {
      case 'message':
        void this.#takeMessage(message);
        return;
      case 'ack':
        this.#guard('onAcknowledged', () => {
          this.#options.handlers.onAcknowledged(this, message.id);
        });
        return;
      case 'request':
        this.#takeRequest(message);
        return;
      case 'response':
        if (!this.#pending.resolve(message.id, message.result)) this.#offend(`an answer to no request`);
        return;
      case 'failure': {
        const reason = IcbdError.fromReport(fromWireError(message.error));
        if (!this.#pending.reject(message.id, reason)) this.#offend(`an answer to no request`);
        return;
      }
      case 'close': {
        const reason = fromWireError(message.error);
        this.#channel.close(reason);
        this.#end(reason);
      }
    }
  }

  /** Never rejects. */
  async #takeMessage({ id, floor, to, create, event }: MessageOf<'message'>): Promise<void> {
    try {
      await this.#options.handlers.onMessage(this, { id, floor, peer: this.peer.node, to, create, event });
      this.#send({ type: 'ack', id });
    } catch (thrown) {
      this.#fail('onMessage', thrown);
    }
  }

  #takeRequest({ id, method, params }: MessageOf<'request'>): void {
    if (this.#incoming_requests >= requests_max || this.#channel.buffered_bytes > backlog_bytes_max) {
      this.#offend('more requests than are answered');
      return;
    }
    this.#incoming_requests += 1;
    void this.#answer(id, { method, params }).finally(() => {
      this.#incoming_requests -= 1;
    });
  }

  /** Never rejects. */
  async #answer(id: number, request: Request): Promise<void> {
    try {
      const result = await this.#options.handlers.onRequest(this, request);
      this.#send({ type: 'response', id, result: result ?? null });
    } catch (thrown) {
      const reason = IcbdError.from(thrown, `request ${request.method}`, this.peer.node);
      this.#send({ type: 'failure', id, error: toWireError(reason.toReport()) });
    }
  }

  #offend(what: string): void {
    const details = { operation, subject: this.peer.node };
    this.close(new IcbdError('InvalidMessage', what, details).toReport());
  }
}
