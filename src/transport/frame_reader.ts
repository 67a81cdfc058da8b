/**
 * Reads a WebSocket so that each frame arrives as one piece of memory.
 *
 * A socket normally gives pieces of at most 64 KiB, and ws copies them together into a new buffer for every frame.
 * Here the frame's header says how much to read, and the kernel writes the frame into one buffer, out of which ws
 * slices the payload without a copy. This only decides where pieces are cut: every check of the protocol stays with ws.
 */
import { connect, type Socket } from 'node:net';
import { limits } from '../core/limits.js';

const piece_bytes = 64 * 1024;
/** Two bytes, eight of length, four of mask (RFC 6455, 5.2). */
const header_bytes_max = 14;
/** Holds a frame with a block that no codec could make smaller. */
const pooled_bytes = limits.block_bytes + 4 * 1024;
/** Smaller frames get memory of their own: many of them may wait, and each would hold a large one. */
const pooled_bytes_min = 256 * 1024;
/** As many as wait for the consumer, are written by it, and are filled, with one to spare. */
const free_frames_max = 8;
const cr = 13;
const lf = 10;

export class FrameCutter {
  readonly #push: (piece: Buffer) => boolean;
  readonly #frame_bytes_max: number;
  readonly #piece = Buffer.allocUnsafeSlow(piece_bytes);
  readonly #header = Buffer.allocUnsafeSlow(header_bytes_max);
  #mode: 'http' | 'header' | 'payload' | 'uncut' = 'http';
  /** How much of the empty line that ends the HTTP answer was seen. */
  #seen_of_end = 0;
  #header_bytes = 0;
  #frame: Buffer = Buffer.alloc(0);
  #frame_bytes = 0;
  readonly #free: Buffer[] = [];
  /** Memory of the pool that somebody looks at. */
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /**
   * @param push takes a piece and says whether to go on reading
   * @param frame_bytes_max a payload over it is passed on in pieces, for ws to refuse
   */
  constructor(frame_bytes_max: number, push: (piece: Buffer) => boolean) {
    this.#frame_bytes_max = frame_bytes_max;
    this.#push = push;
  }

  /** Where the next bytes from the network are to be put. */
  space(): Buffer {
    if (this.#mode === 'header') return this.#header.subarray(this.#header_bytes, this.#headerWanted());
    if (this.#mode === 'payload') return this.#frame.subarray(this.#frame_bytes);
    return this.#piece;
  }

  /** `count` bytes were put there. @returns whether to go on reading */
  filled(count: number): boolean {
    if (this.#mode === 'http') return this.#takeHttp(count);
    if (this.#mode === 'header') return this.#takeHeader(count);
    if (this.#mode === 'payload') return this.#takePayload(count);
    return this.#push(Buffer.from(this.#piece.subarray(0, count)));
  }

  /**
   * Takes back the memory of a payload that nobody looks at any more. Fresh memory for every frame costs page faults,
   * and collections of the whole heap. What is not from here, or was given back before, is ignored.
   */
  recycle(payload: Buffer): void {
    const memory = payload.buffer;
    if (!this.#lent.delete(memory) || this.#free.length >= free_frames_max) return;
    this.#free.push(Buffer.from(memory));
  }

  #allocate(bytes: number): Buffer {
    if (bytes < pooled_bytes_min || bytes > pooled_bytes) return Buffer.allocUnsafeSlow(bytes);
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(pooled_bytes);
    this.#lent.add(whole.buffer);
    return whole.subarray(0, bytes);
  }

  #takeHttp(count: number): boolean {
    let end = 0;
    while (end < count && this.#seen_of_end < 4) {
      const byte = this.#piece[end];
      if (byte === (this.#seen_of_end % 2 === 0 ? cr : lf)) this.#seen_of_end += 1;
      else this.#seen_of_end = byte === cr ? 1 : 0;
      end += 1;
    }
    let go_on = this.#push(Buffer.from(this.#piece.subarray(0, end)));
    if (this.#seen_of_end < 4) return go_on;
    this.#mode = 'header';
    // The first frames may have come with the answer.
    while (end < count) {
      const space = this.space();
      const copied = this.#piece.copy(space, 0, end, count);
      end += copied;
      go_on = this.filled(copied);
    }
    return go_on;
  }

  #headerWanted(): number {
    if (this.#header_bytes < 2) return 2;
    const second = this.#header.readUInt8(1);
    const length = second & 0x7f;
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second >= 0x80 ? 4 : 0);
  }

  #payloadBytes(): number {
    const length = this.#header.readUInt8(1) & 0x7f;
    if (length < 126) return length;
    return length === 126 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2));
  }

  #takeHeader(count: number): boolean {
    this.#header_bytes += count;
    const wanted = this.#headerWanted();
    if (this.#header_bytes < wanted) return true;
    const header = this.#header.subarray(0, wanted);
    this.#header_bytes = 0;
    const payload_bytes = this.#payloadBytes();
    if (payload_bytes > this.#frame_bytes_max) {
      this.#mode = 'uncut';
      return this.#push(Buffer.from(header));
    }
    this.#frame = this.#allocate(wanted + payload_bytes);
    this.#frame_bytes = header.copy(this.#frame);
    this.#mode = 'payload';
    return payload_bytes > 0 || this.#takePayload(0);
  }

  #takePayload(count: number): boolean {
    this.#frame_bytes += count;
    if (this.#frame_bytes < this.#frame.length) return true;
    const frame = this.#frame;
    this.#frame = Buffer.alloc(0);
    this.#mode = 'header';
    return this.#push(frame);
  }
}

const cutters = new WeakMap<Socket, FrameCutter>();

/** As `net.connect`, for the client end of a WebSocket; `path` is that of a unix socket. */
export function connectFramed(
  options: { host: string; port: number } | { path: string },
  frame_bytes_max: number,
): Socket {
  const cutter = new FrameCutter(frame_bytes_max, (piece) => socket.push(piece));
  const onread = { buffer: () => cutter.space(), callback: (count: number) => cutter.filled(count) };
  const socket: Socket = connect({ ...options, onread });
  cutters.set(socket, cutter);
  return socket;
}

/** Gives back the payload of a frame; does nothing for a socket that was not made by `connectFramed`. */
export function recycleFrame(socket: Socket, payload: Buffer): void {
  cutters.get(socket)?.recycle(payload);
}
