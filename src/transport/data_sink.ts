import type { Clock } from '../core/clock.js';
import type { DataSink, StreamPlace, StreamTrailer } from '../core/data_path.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { closeCodeOf, closeTextOf, errorOfClose, errorOfSocket } from './close_codes.js';
import {
  fromWireError,
  parseReceiverMessage,
  toWireError,
  type ReceiverMessage,
  type SenderMessage,
} from './messages.js';
import { watchWire, type Wire } from './wire.js';

/** After an abort the receiver has this long to read it before the socket is ended by force. */
const abort_linger_ms = 30_000;
const operation = 'send data';

/** Bytes of a WebSocket frame in front of its payload (RFC 6455, 5.2), server to client. */
export function frameHeaderBytes(payload_bytes: number): number {
  if (payload_bytes < 126) return 2;
  return payload_bytes < 65_536 ? 4 : 10;
}

interface Waiter<T = void> {
  resolve(value: T): void;
  reject(reason: IcbdError): void;
}

/** The sending end of a data link: the server's. */
export class WsDataSink implements DataSink {
  /** Called once when the link can take no more: ended, aborted, or broken. */
  onFinished: () => void = () => undefined;
  /** Called with each block when the kernel has taken all of it: its memory may be used again. */
  onWritten: ((block: Buffer) => void) | undefined;
  onTaken: ((offset_bytes: number) => void) | undefined;
  onKept: ((offset_bytes: number) => void) | undefined;
  readonly begin: Promise<StreamPlace>;
  readonly closed: Promise<IcbdError>;
  readonly #wire: Wire;
  readonly #clock: Clock;
  /** Ends the wait for the receiver's first word. */
  readonly #cancelTimer: () => void;
  #in_flight_bytes = 0;
  #link_bytes = 0;
  #waiters: Waiter[] = [];
  #ending: Waiter | undefined;
  /** Until the receiver said from where. */
  #beginning: Waiter<StreamPlace> | undefined;
  /** What the receiver will not ask for again on this link. */
  #taken_bytes = 0;
  #has_blocks = false;
  /** Why nothing can be written any more; a complete stream has one too. */
  #over: IcbdError | undefined;
  #resolveClosed: (reason: IcbdError) => void = () => undefined;
  #is_complete = false;

  constructor(wire: Wire, clock: Clock) {
    this.#wire = wire;
    this.#clock = clock;
    const { socket, address } = wire;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.begin = new Promise((resolve, reject) => {
      this.#beginning = { resolve, reject };
    });
    // Nobody may have asked for it yet when the link breaks.
    this.begin.catch(() => undefined);
    this.#cancelTimer = clock.after(limits.handshake_ms, () => {
      this.#refuse(
        new IcbdError('TimedOut', 'the receiver did not say from where it wants the stream', {
          operation,
          subject: address,
        }),
      );
    });
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

  skipped(offset_bytes: number): void {
    if (this.#over !== undefined || this.#beginning !== undefined) return;
    if (this.#has_blocks || this.#ending !== undefined) return;
    this.#say({ type: 'skipped', offset_bytes });
  }

  async write(block: Buffer): Promise<void> {
    this.#checkOpen();
    if (block.length > limits.data_frame_bytes) {
      const message = `a block of ${String(block.length)} bytes`;
      throw new IcbdError('FrameTooLarge', message, { operation, subject: this.#wire.address });
    }
    // ws calls back at once for a socket that is closing: a writer would spin and never let the close event in.
    if (this.#wire.socket.readyState !== this.#wire.socket.OPEN) {
      await this.#wait();
      return;
    }
    this.#has_blocks = true;
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
    this.#checkOpen();
    const { stream_bytes, hash } = trailer;
    await new Promise<void>((resolve, reject) => {
      this.#ending = { resolve, reject };
      this.#say({ type: 'end', trailer: { stream_bytes, hash } }, (cause) => {
        // A failed write is told by the socket's close event, with its reason.
        if (cause !== undefined && cause !== null) return;
        // From here the peer closes: it has the trailer, or will have it when it has read all before it.
        this.#is_complete = true;
        resolve();
      });
    });
  }

  /** @param linger_ms how long the receiver has to read it */
  abort(reason: ErrorReport, linger_ms = abort_linger_ms): void {
    if (this.#over !== undefined || this.#is_complete) return;
    const { socket } = this.#wire;
    this.#say({ type: 'abort', error: toWireError(reason) });
    this.#finish(IcbdError.fromReport(reason));
    const cancel = this.#clock.after(linger_ms, () => {
      socket.terminate();
    });
    socket.once('close', cancel);
  }

  /** @throws IcbdError why nothing can be written: the link's end, or `Internal` for a caller that errs */
  #checkOpen(): void {
    if (this.#over !== undefined) throw this.#over;
    if (this.#beginning !== undefined) throw this.#misuse('the receiver has not said from where');
    if (this.#ending !== undefined) throw this.#misuse('nothing may follow the end');
  }

  #misuse(message: string): IcbdError {
    return new IcbdError('Internal', message, { operation, subject: this.#wire.address });
  }

  #say(message: SenderMessage, onSent: (cause?: Error | null) => void = () => undefined): void {
    const text = JSON.stringify(message);
    const bytes = Buffer.byteLength(text);
    this.#link_bytes += bytes + frameHeaderBytes(bytes);
    this.#wire.socket.send(text, onSent);
  }

  #receive(data: Buffer, is_binary: boolean): void {
    if (this.#over !== undefined) return;
    try {
      if (is_binary) throw this.#offence('data from the receiver');
      this.#take(parseReceiverMessage(data.toString()));
    } catch (thrown) {
      this.#refuse(IcbdError.from(thrown, operation, this.#wire.address));
    }
  }

  #take(message: ReceiverMessage): void {
    if (message.type === 'abort') {
      // What is queued is of no use to anyone now.
      this.#finish(IcbdError.fromReport(fromWireError(message.error)));
      this.#wire.socket.terminate();
      return;
    }
    if (message.type === 'from') {
      if (this.#beginning === undefined) throw this.#offence('from was said before');
      this.#cancelTimer();
      this.#taken_bytes = message.place.offset_bytes;
      this.#beginning.resolve(message.place);
      this.#beginning = undefined;
      return;
    }
    if (this.#beginning !== undefined) throw this.#offence(`${message.type} before from`);
    if (message.type === 'kept') {
      this.onKept?.(message.offset_bytes);
      return;
    }
    if (message.offset_bytes < this.#taken_bytes) throw this.#offence('taken goes backwards');
    this.#taken_bytes = message.offset_bytes;
    this.onTaken?.(message.offset_bytes);
  }

  #offence(message: string): IcbdError {
    return new IcbdError('InvalidMessage', message, { operation, subject: this.#wire.address });
  }

  /** Ends the link by our own decision. */
  #refuse(reason: IcbdError): void {
    this.#finish(reason);
    this.#wire.socket.close(closeCodeOf(reason), closeTextOf(reason));
  }

  #finish(reason: IcbdError): void {
    if (this.#over !== undefined) return;
    this.#over = this.#is_complete
      ? new IcbdError('LinkLost', 'the stream is complete', { operation, subject: this.#wire.address })
      : reason;
    this.#cancelTimer();
    this.#beginning?.reject(this.#over);
    for (const waiter of this.#takeWaiters()) waiter.reject(this.#over);
    this.#ending?.reject(this.#over);
    this.#resolveClosed(this.#over);
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
