import type { Clock } from '../core/clock.js';
import type { DataSource, StreamPlace, StreamTrailer } from '../core/data_path.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { close_codes, closeCodeOf, closeTextOf, errorOfClose, errorOfSocket } from './close_codes.js';
import { frameHeaderBytes } from './data_sink.js';
import { recycleFrame } from './frame_reader.js';
import {
  fromWireError,
  parseSenderMessage,
  toWireError,
  type ReceiverMessage,
  type SenderMessage,
} from './messages.js';
import { watchWire, type Wire } from './wire.js';

/** Buffered bytes at which the socket is paused (2 MiB; more measured the same); a block more may be half read. */
export const pause_bytes = limits.data_in_flight_bytes / 4;
/** Buffered bytes at which it is resumed: early enough that the consumer never waits for a round trip. */
const resume_bytes = pause_bytes / 2;
const operation = 'receive data';

/** The receiving end of a data link: the client's. */
export class WsDataSource implements DataSource {
  readonly blocks: AsyncIterable<Buffer>;
  onSkipped: ((offset_bytes: number) => void) | undefined;
  readonly #wire: Wire;
  #queue: Buffer[] = [];
  #queued_bytes = 0;
  #link_bytes = 0;
  #pending_trailer: StreamTrailer | undefined;
  #trailer: StreamTrailer | undefined;
  /** Why no more will come; found by the consumer after what is queued. */
  #failure: IcbdError | undefined;
  #wake: () => void = () => undefined;
  #is_read = false;
  #has_blocks = false;
  /** The last offset that the sender was told. */
  #told_bytes: number;

  /** @param from where the stream is wanted from; the sender is told at once */
  constructor(wire: Wire, clock: Clock, from: StreamPlace) {
    this.#wire = wire;
    const { socket, address } = wire;
    socket.on('message', (data: Buffer, is_binary: boolean) => {
      this.#receive(data, is_binary);
    });
    socket.on('close', (code: number, text: Buffer) => {
      this.#fail(errorOfClose(code, text.toString(), operation, address));
    });
    socket.on('error', (cause) => {
      this.#fail(errorOfSocket(cause, operation, address));
    });
    watchWire(wire, clock, operation, (reason) => {
      this.#fail(reason);
    });
    this.blocks = {
      [Symbol.asyncIterator]: () => {
        if (this.#is_read) throw new IcbdError('Internal', 'the blocks can be read once', { operation });
        this.#is_read = true;
        return this.#read();
      },
    };
    const { offset_bytes, hash } = from;
    this.#told_bytes = offset_bytes;
    this.#say({ type: 'from', place: { offset_bytes, hash } });
  }

  get trailer(): StreamTrailer | undefined {
    return this.#trailer;
  }

  get link_bytes(): number {
    return this.#link_bytes;
  }

  /** What waits for the consumer, in bytes. */
  get buffered_bytes(): number {
    return this.#queued_bytes;
  }

  /** Takes back a block that came from `blocks` and that nobody looks at any more: its memory is used again. */
  recycle(block: Buffer): void {
    recycleFrame(this.#wire.network, block);
  }

  /** What is not beyond the last offset is not said again. */
  taken(offset_bytes: number): void {
    if (this.#failure !== undefined || this.#pending_trailer !== undefined) return;
    if (offset_bytes <= this.#told_bytes) return;
    this.#told_bytes = offset_bytes;
    this.#say({ type: 'taken', offset_bytes });
  }

  kept(offset_bytes: number): void {
    if (this.#failure !== undefined || this.#pending_trailer !== undefined) return;
    this.#say({ type: 'kept', offset_bytes });
  }

  abort(reason: ErrorReport): void {
    if (this.#failure !== undefined || this.#pending_trailer !== undefined) return;
    this.#say({ type: 'abort', error: toWireError(reason) });
    this.#fail(IcbdError.fromReport(reason));
    this.#close(
      closeCodeOf(reason) === close_codes.other ? close_codes.aborted : closeCodeOf(reason),
      reason.code,
    );
  }

  #say(message: ReceiverMessage): void {
    // A failed write is followed by the socket's close event.
    this.#wire.socket.send(JSON.stringify(message), () => undefined);
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const block = this.#queue.shift();
        if (block !== undefined) {
          this.#queued_bytes -= block.length;
          if (this.#queued_bytes <= resume_bytes) this.#wire.socket.resume();
          yield block;
        } else if (this.#pending_trailer !== undefined) {
          this.#trailer = this.#pending_trailer;
          return;
        } else if (this.#failure !== undefined) {
          throw this.#failure;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      const message = 'the receiver does not want the rest';
      this.abort(new IcbdError('Cancelled', message, { operation, subject: this.#wire.address }).toReport());
      this.#drop();
    }
  }

  #receive(data: Buffer, is_binary: boolean): void {
    if (this.#failure !== undefined) return;
    this.#link_bytes += data.length + frameHeaderBytes(data.length);
    try {
      if (this.#pending_trailer !== undefined) {
        throw new IcbdError('InvalidMessage', 'more after the end', { operation });
      }
      if (is_binary) {
        this.#push(data);
        return;
      }
      this.#take(parseSenderMessage(data.toString()));
    } catch (thrown) {
      const reason = IcbdError.from(thrown, operation, this.#wire.address);
      this.#pending_trailer = undefined;
      this.#fail(reason);
      this.#close(closeCodeOf(reason), closeTextOf(reason));
    }
  }

  #push(block: Buffer): void {
    this.#has_blocks = true;
    this.#queue.push(block);
    this.#queued_bytes += block.length;
    if (this.#queued_bytes >= pause_bytes) this.#wire.socket.pause();
    this.#wake();
  }

  #take(message: SenderMessage): void {
    if (message.type === 'skipped') {
      if (this.#has_blocks) throw new IcbdError('InvalidMessage', 'skipped after a block', { operation });
      this.onSkipped?.(message.offset_bytes);
      return;
    }
    if (message.type === 'end') {
      this.#pending_trailer = message.trailer;
      this.#wake();
      this.#close(close_codes.normal, 'complete');
      return;
    }
    const reason = IcbdError.fromReport(fromWireError(message.error));
    this.#fail(reason);
    this.#close(close_codes.aborted, reason.code);
  }

  #fail(reason: IcbdError): void {
    if (this.#failure !== undefined || this.#pending_trailer !== undefined) return;
    this.#failure = reason;
    this.#wake();
  }

  /** A paused socket would not see the peer's close frame; what still comes is thrown away by `#receive`. */
  #close(code: number, text: string): void {
    this.#wire.socket.resume();
    this.#wire.socket.close(code, text);
  }

  #drop(): void {
    this.#queue = [];
    this.#queued_bytes = 0;
  }
}
