import type { Clock } from '../core/clock.js';
import type { DataSource, StreamTrailer } from '../core/data_path.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { close_codes, closeCodeOf, closeTextOf, errorOfClose, errorOfSocket } from './close_codes.js';
import { frameHeaderBytes } from './data_sink.js';
import { recycleFrame } from './frame_reader.js';
import { fromWireError, parseDataMessage, toWireError, type DataMessage } from './messages.js';
import { watchWire, type Wire } from './wire.js';

/** Buffered bytes at which the socket is paused (2 MiB; more measured the same); a block more may be half read. */
export const pause_bytes = limits.data_in_flight_bytes / 4;
/** Buffered bytes at which it is resumed: early enough that the consumer never waits for a round trip. */
const resume_bytes = pause_bytes / 2;
const operation = 'receive data';

/** The receiving end of a data link: the client's. */
export class WsDataSource implements DataSource {
  readonly blocks: AsyncIterable<Buffer>;
  readonly #wire: Wire;
  #queue: Buffer[] = [];
  #queued_bytes = 0;
  #link_bytes = 0;
  #pending_trailer: StreamTrailer | undefined;
  #trailer: StreamTrailer | undefined;
  /** Why no more will come; found by the consumer after what is queued. */
  #failure: IcbdError | undefined;
  #wake: () => void = () => undefined;
  #is_taken = false;

  constructor(wire: Wire, clock: Clock) {
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
        if (this.#is_taken) throw new IcbdError('Internal', 'the blocks can be read once', { operation });
        this.#is_taken = true;
        return this.#read();
      },
    };
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

  abort(reason: ErrorReport): void {
    if (this.#failure !== undefined || this.#pending_trailer !== undefined) return;
    const { socket } = this.#wire;
    const error = toWireError(reason);
    socket.send(JSON.stringify({ type: 'abort', error } satisfies DataMessage), () => undefined);
    this.#fail(IcbdError.fromReport(reason));
    this.#close(
      closeCodeOf(reason) === close_codes.other ? close_codes.aborted : closeCodeOf(reason),
      reason.code,
    );
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
      this.#take(parseDataMessage(data.toString()));
    } catch (thrown) {
      const reason = IcbdError.from(thrown, operation, this.#wire.address);
      this.#pending_trailer = undefined;
      this.#fail(reason);
      this.#close(closeCodeOf(reason), closeTextOf(reason));
    }
  }

  #push(block: Buffer): void {
    this.#queue.push(block);
    this.#queued_bytes += block.length;
    if (this.#queued_bytes >= pause_bytes) this.#wire.socket.pause();
    this.#wake();
  }

  #take(message: DataMessage): void {
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
