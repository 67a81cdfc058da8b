import type { Clock } from '../core/clock.js';
import type { DataSink, StreamTrailer } from '../core/data_path.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { closeCodeOf, closeTextOf, errorOfClose, errorOfSocket } from './close_codes.js';
import { fromWireError, parseDataMessage, toWireError, type DataMessage } from './messages.js';
import { watchWire, type Wire } from './wire.js';

/** After an abort the receiver has this long to read it before the socket is ended by force. */
const abort_linger_ms = 30_000;
const operation = 'send data';

/** Bytes of a WebSocket frame in front of its payload (RFC 6455, 5.2), server to client. */
export function frameHeaderBytes(payload_bytes: number): number {
  if (payload_bytes < 126) return 2;
  return payload_bytes < 65_536 ? 4 : 10;
}

interface Waiter {
  resolve(): void;
  reject(reason: IcbdError): void;
}

/** The sending end of a data link: the server's. */
export class WsDataSink implements DataSink {
  /** Called once when the link can take no more: ended, aborted, or broken. */
  onFinished: () => void = () => undefined;
  /** Called with each block when the kernel has taken all of it: its memory may be used again. */
  onWritten: ((block: Buffer) => void) | undefined;
  readonly #wire: Wire;
  readonly #clock: Clock;
  #in_flight_bytes = 0;
  #link_bytes = 0;
  #waiters: Waiter[] = [];
  #ending: Waiter | undefined;
  /** Why nothing can be written any more; a complete stream has one too. */
  #over: IcbdError | undefined;
  #is_complete = false;

  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
    const { socket, address } = wire;
    socket.on('message', (data: Buffer, is_binary: boolean) => {
      this.#receive(data, is_binary);
    });
    socket.on('close', (code: number, text: Buffer) => {
      this.#finish(errorOfClose(code, text.toString(), operation, address));
    });
    socket.on('error', (cause) => {
      this.#finish(errorOfSocket(cause, operation, address));
    });
    watchWire(wire, clock, operation, (reason) => {
      this.#finish(reason);
    });
  }

  get link_bytes(): number {
    return this.#link_bytes;
  }

  async write(block: Buffer): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    if (this.#ending !== undefined) throw new IcbdError('Internal', 'a block after the end', { operation });
    if (block.length > limits.data_frame_bytes) {
      const message = `a block of ${String(block.length)} bytes`;
      throw new IcbdError('FrameTooLarge', message, { operation, subject: this.#wire.address });
    }
    // ws calls back at once for a socket that is closing: a writer would spin and never let the close event in.
    if (this.#wire.socket.readyState !== this.#wire.socket.OPEN) {
      await this.#wait();
      return;
    }
    this.#in_flight_bytes += block.length;
    this.#link_bytes += block.length + frameHeaderBytes(block.length);
    this.#wire.socket.send(block, { binary: true, compress: false }, (cause) => {
      this.#in_flight_bytes -= block.length;
      // A write that failed may still be read from by what is left of the socket.
      if (cause === undefined || cause === null) this.onWritten?.(block);
      this.#wake();
    });
    if (this.#in_flight_bytes <= limits.data_in_flight_bytes) return;
    await this.#wait();
  }

  async end(trailer: StreamTrailer): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    const { stream_bytes, hash } = trailer;
    const text = JSON.stringify({ type: 'end', trailer: { stream_bytes, hash } } satisfies DataMessage);
    this.#link_bytes += text.length + frameHeaderBytes(text.length);
    await new Promise<void>((resolve, reject) => {
      this.#ending = { resolve, reject };
      this.#wire.socket.send(text, (cause) => {
        // A failed write is told by the socket's close event, with its reason.
        if (cause !== undefined && cause !== null) return;
        // From here the peer closes: it has the trailer, or will have it when it has read all before it.
        this.#is_complete = true;
        resolve();
      });
    });
  }

  abort(reason: ErrorReport): void {
    if (this.#over !== undefined || this.#is_complete) return;
    const { socket } = this.#wire;
    const error = toWireError(reason);
    socket.send(JSON.stringify({ type: 'abort', error } satisfies DataMessage), () => undefined);
    this.#finish(IcbdError.fromReport(reason));
    const cancel = this.#clock.after(abort_linger_ms, () => {
      socket.terminate();
    });
    socket.once('close', cancel);
  }

  #receive(data: Buffer, is_binary: boolean): void {
    if (this.#over !== undefined) return;
    try {
      if (is_binary) throw new IcbdError('InvalidMessage', 'data from the receiver', { operation });
      const message = parseDataMessage(data.toString());
      if (message.type === 'end')
        throw new IcbdError('InvalidMessage', 'end from the receiver', { operation });
      // What is queued is of no use to anyone now.
      this.#finish(IcbdError.fromReport(fromWireError(message.error)));
      this.#wire.socket.terminate();
    } catch (thrown) {
      const reason = IcbdError.from(thrown, operation, this.#wire.address);
      this.#finish(reason);
      this.#wire.socket.close(closeCodeOf(reason), closeTextOf(reason));
    }
  }

  #finish(reason: IcbdError): void {
    if (this.#over !== undefined) return;
    this.#over = this.#is_complete
      ? new IcbdError('LinkLost', 'the stream is complete', { operation, subject: this.#wire.address })
      : reason;
    for (const waiter of this.#takeWaiters()) waiter.reject(this.#over);
    this.#ending?.reject(this.#over);
    this.onFinished();
  }

  /** Until there is room, or `#finish`. */
  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  #wake(): void {
    const { socket } = this.#wire;
    // Room on a socket that is closing is no room: its waiters learn why from `#finish`.
    if (socket.readyState !== socket.OPEN || this.#in_flight_bytes > limits.data_in_flight_bytes) return;
    for (const waiter of this.#takeWaiters()) waiter.resolve();
  }

  #takeWaiters(): Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }
}
