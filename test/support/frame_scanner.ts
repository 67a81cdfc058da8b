/** Where the blocks are in what a WebSocket server sends (RFC 6455, 5.2; its frames are not masked). */

/** A piece of a chunk that lies in the payload of a binary frame. */
export interface PayloadSpan {
  readonly start: number;
  readonly end: number;
}

const binary_opcode = 2;
const head_end = Buffer.from('\r\n\r\n');

/** Reads one direction of one connection, from its first byte on. */
export class FrameScanner {
  #is_in_http = true;
  /** What came of a header that is not complete yet; at most some bytes, or the HTTP answer. */
  #held: Buffer = Buffer.alloc(0);
  #payload_left = 0;
  #is_binary = false;

  /** The spans of `chunk` that belong to binary frames, in order. */
  push(chunk: Buffer): PayloadSpan[] {
    const spans: PayloadSpan[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload_left > 0) {
        const end = Math.min(chunk.length, at + this.#payload_left);
        if (this.#is_binary) spans.push({ start: at, end });
        this.#payload_left -= end - at;
        at = end;
      } else {
        at = this.#readHeader(chunk, at);
      }
    }
    return spans;
  }

  /** Returns where in the chunk the header ends; the end of the chunk if more of it is to come. */
  #readHeader(chunk: Buffer, at: number): number {
    const held = this.#held.length;
    const bytes = Buffer.concat([this.#held, chunk.subarray(at)]);
    const header_bytes = this.#is_in_http ? this.#endOfHttp(bytes) : this.#startFrame(bytes);
    if (header_bytes === undefined) {
      this.#held = bytes;
      return chunk.length;
    }
    this.#held = Buffer.alloc(0);
    return at + header_bytes - held;
  }

  #endOfHttp(bytes: Buffer): number | undefined {
    const found = bytes.indexOf(head_end);
    if (found < 0) return undefined;
    this.#is_in_http = false;
    return found + head_end.length;
  }

  #startFrame(bytes: Buffer): number | undefined {
    const short = (bytes[1] ?? 0) & 0x7f;
    const header_bytes = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < header_bytes) return undefined;
    this.#is_binary = ((bytes[0] ?? 0) & 0x0f) === binary_opcode;
    this.#payload_left =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    return header_bytes;
  }
}
