/** Text in both directions between two nodes: what a control link and every handshake run on. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { closeCodeOf, closeTextOf, errorOfClose, errorOfSocket } from './close_codes.js';
import { Rhythm } from './liveness.js';
import type { Wire } from './wire.js';

export interface ChannelListener {
  onText(text: string): void;
  /** Called once, when the other side or the network ended the channel; not after our own `close`. */
  onBroken(reason: IcbdError): void;
}

export interface TextChannel {
  /** Address of the other end, for people. */
  readonly address: string;
  /** What `send` took and the network has not taken yet, in bytes. */
  readonly buffered_bytes: number;
  /** What came from the other end so far, in bytes. */
  readonly received_bytes: number;
  /** How its peer is watched. */
  readonly rhythm: Rhythm;
  /** Replaces the listener before; nothing that arrives between two listeners is lost, since both are set at once. */
  listen(listener: ChannelListener): void;
  /** Does nothing on a channel that is closed or broken. */
  send(text: string): void;
  /**
   * Sends a ping, which the other end of the connection answers by itself.
   * @param onAnswer called once; never if the channel ends first
   * @returns what stops to wait for the answer
   */
  ping(onAnswer: () => void): () => void;
  /** Nothing is heard from the channel afterwards. What was sent before still goes out if the peer reads it. */
  close(reason: ErrorReport): void;
}

/** A channel on a WebSocket; binary frames on it are an offence. */
export class WsChannel implements TextChannel {
  readonly address: string;
  readonly rhythm = new Rhythm();
  readonly #socket: WebSocket;
  readonly #network: Socket;
  readonly #operation: string;
  readonly #pings = new Map<string, () => void>();
  #pings_sent = 0;
  #listener: ChannelListener | undefined;
  #ended = false;
  #stop: () => void;

  constructor({ socket, network, address }: Wire, operation: string) {
    this.#socket = socket;
    this.#network = network;
    this.address = address;
    this.#operation = operation;
    const onMessage = (data: Buffer, is_binary: boolean): void => {
      this.#receive(data, is_binary);
    };
    const onClose = (code: number, text: Buffer): void => {
      this.#break(errorOfClose(code, text.toString(), operation, address));
    };
    const onError = (cause: Error): void => {
      this.#break(errorOfSocket(cause, operation, address));
    };
    const onPong = (data: Buffer): void => {
      this.#takePong(data.toString('latin1'));
    };
    socket.on('message', onMessage).on('pong', onPong).on('close', onClose).on('error', onError);
    this.#stop = () => {
      // The error listener stays: an error without a listener would end the process.
      socket.off('message', onMessage).off('pong', onPong).off('close', onClose);
      this.#pings.clear();
    };
  }

  get buffered_bytes(): number {
    return this.#socket.bufferedAmount;
  }

  get received_bytes(): number {
    return this.#network.bytesRead;
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener;
  }

  send(text: string): void {
    if (this.#ended) return;
    // A failed write is followed by the socket's close event, which says it to the listener.
    this.#socket.send(text, () => undefined);
  }

  ping(onAnswer: () => void): () => void {
    // The liveness of the wire pings too, without a word.
    const word = String((this.#pings_sent += 1));
    if (this.#ended) return () => undefined;
    this.#pings.set(word, onAnswer);
    this.#socket.ping(word, undefined, () => undefined);
    return () => {
      this.#pings.delete(word);
    };
  }

  close(reason: ErrorReport): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop();
    // A paused socket would never see the peer's close frame; after closeTimeout ws ends it by force.
    this.#socket.resume();
    this.#socket.close(closeCodeOf(reason), closeTextOf(reason));
  }

  /** Ends the channel as if the network had: for a peer that is silent. */
  breakOff(reason: IcbdError): void {
    this.#break(reason);
    this.#socket.terminate();
  }

  /** Takes the listeners off and gives the socket to a new owner. */
  release(): WebSocket {
    this.#ended = true;
    this.#stop();
    return this.#socket;
  }

  #takePong(word: string): void {
    const onAnswer = this.#pings.get(word);
    this.#pings.delete(word);
    onAnswer?.();
  }

  #receive(data: Buffer, is_binary: boolean): void {
    if (this.#ended) return;
    if (!is_binary) {
      this.#listener?.onText(data.toString());
      return;
    }
    const reason = new IcbdError('InvalidMessage', 'a binary frame where only text is spoken', {
      operation: this.#operation,
      subject: this.address,
    });
    const listener = this.#listener;
    this.close(reason.toReport());
    listener?.onBroken(reason);
  }

  #break(reason: IcbdError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop();
    this.#listener?.onBroken(reason);
  }
}
