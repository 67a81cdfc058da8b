/**
 * Where the frames of zstd begin and end (RFC 8878), without decompressing them: so input that is cut, or that has
 * something else behind it, is found in the same way whatever decompresses, and with its place.
 */
import { damaged, truncated, unsupported } from './damage.js';

const codec = 'zstd';
const magic_frame = 0xfd2fb528;
/** The last four bits are free. */
const magic_skippable = 0x184d2a50;
const block_bytes_max = 128 * 1024;
/** The history that a frame may ask for: what the program zstd takes by default. */
export const zstd_window_bits_max = 27;
const content_size_bytes = [0, 2, 4, 8] as const;
const dictionary_id_bytes = [0, 1, 2, 4] as const;
const block_rle = 1;
const block_reserved = 3;

type Expected = 'magic' | 'skippable size' | 'descriptor' | 'header' | 'block';

export class ZstdFrames {
  #expected: Expected = 'magic';
  #wanted_bytes = 4;
  #got: Buffer = Buffer.alloc(0);
  /** What is passed over before the next field. */
  #skip_bytes = 0;
  #offset_bytes = 0;
  #descriptor = 0;
  #frames = 0;

  /**
   * Follows the next bytes of the input.
   * @throws IcbdError `CorruptData`
   */
  push(chunk: Buffer): void {
    for (let position = 0; position < chunk.length; ) {
      position += this.pushToEnd(chunk.subarray(position));
    }
  }

  /**
   * As `push`, but not beyond the end of the frame.
   * @returns how many of the bytes were taken: all, if `isBetween` is not true now
   * @throws IcbdError `CorruptData`
   */
  pushToEnd(chunk: Buffer): number {
    for (let position = 0; position < chunk.length; ) {
      const missing = this.#skip_bytes > 0 ? this.#skip_bytes : this.#wanted_bytes - this.#got.length;
      const taken = Math.min(chunk.length - position, missing);
      if (this.#skip_bytes > 0) this.#skip_bytes -= taken;
      else this.#got = Buffer.concat([this.#got, chunk.subarray(position, position + taken)]);
      position += taken;
      this.#offset_bytes += taken;
      if (this.#got.length === this.#wanted_bytes) this.#take(this.#got);
      if (this.isBetween) return position;
    }
    return chunk.length;
  }

  /** Whether the bytes so far are whole frames. */
  get isBetween(): boolean {
    return this.#expected === 'magic' && this.#got.length === 0 && this.#skip_bytes === 0;
  }

  /** Says that the input is over. @throws IcbdError `CorruptData` if it ended too early */
  finish(): void {
    if (!this.isBetween) throw truncated(codec, 'a frame', this.#offset_bytes);
    if (this.#frames === 0) throw truncated(codec, 'what comes before the first frame', this.#offset_bytes);
  }

  #expect(expected: Expected, wanted_bytes: number, skip_bytes = 0): void {
    this.#expected = expected;
    this.#wanted_bytes = wanted_bytes;
    this.#skip_bytes = skip_bytes;
    this.#got = Buffer.alloc(0);
  }

  #take(field: Buffer): void {
    const offset = this.#offset_bytes - field.length;
    switch (this.#expected) {
      case 'magic':
        return this.#takeMagic(field.readUInt32LE(), offset);
      case 'skippable size':
        return this.#expect('magic', 4, field.readUInt32LE());
      case 'descriptor':
        return this.#takeDescriptor(field.readUInt8(), offset);
      case 'header':
        return this.#takeHeader(field, offset);
      case 'block':
        return this.#takeBlock(field.readUIntLE(0, 3), offset);
    }
  }

  #takeMagic(magic: number, offset: number): void {
    if (magic === magic_frame) return this.#expect('descriptor', 1);
    if (magic - (magic % 16) === magic_skippable) return this.#expect('skippable size', 4);
    throw damaged(codec, offset === 0 ? 'no zstd frame' : 'what follows after a frame is none', offset);
  }

  get #is_single_segment(): boolean {
    return (this.#descriptor & 0b0010_0000) !== 0;
  }

  #takeDescriptor(descriptor: number, offset: number): void {
    this.#descriptor = descriptor;
    this.#frames += 1;
    if ((descriptor & 0b0000_1000) !== 0) throw damaged(codec, 'a frame uses what is reserved', offset);
    const size_bytes = content_size_bytes[(descriptor >> 6) as 0 | 1 | 2 | 3];
    const dictionary_bytes = dictionary_id_bytes[(descriptor & 3) as 0 | 1 | 2 | 3];
    // Exactly one of window and content size stands there at least, so the header is never empty.
    const sizes_bytes = this.#is_single_segment ? Math.max(size_bytes, 1) : size_bytes + 1;
    this.#expect('header', sizes_bytes + dictionary_bytes);
  }

  #takeHeader(header: Buffer, offset: number): void {
    const dictionary_bytes = dictionary_id_bytes[(this.#descriptor & 3) as 0 | 1 | 2 | 3];
    const dictionary_at = this.#is_single_segment ? 0 : 1;
    const id = header.subarray(dictionary_at, dictionary_at + dictionary_bytes);
    if (id.some((byte) => byte !== 0)) {
      const hint = 'decompress it with zstd -d -D and its dictionary';
      throw unsupported(codec, 'a frame that needs a dictionary', offset, hint);
    }
    if (this.#windowBytes(header) > 2 ** zstd_window_bits_max) {
      const hint = 'if you trust it, decompress it with zstd -d --long=31';
      throw unsupported(codec, 'a frame that needs more than 128 MiB of memory', offset, hint);
    }
    this.#expect('block', 3);
  }

  #windowBytes(header: Buffer): number {
    if (!this.#is_single_segment) {
      const byte = header.readUInt8(0);
      return 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8);
    }
    const dictionary_bytes = dictionary_id_bytes[(this.#descriptor & 3) as 0 | 1 | 2 | 3];
    const size = header.subarray(dictionary_bytes);
    if (size.length === 8) return Number(size.readBigUInt64LE());
    return size.readUIntLE(0, size.length) + (size.length === 2 ? 256 : 0);
  }

  #takeBlock(header: number, offset: number): void {
    const is_last = (header & 1) !== 0;
    const type = (header >> 1) & 3;
    const bytes = header >> 3;
    if (type === block_reserved) throw damaged(codec, 'a block of an unknown type', offset);
    if (bytes > block_bytes_max) throw damaged(codec, `a block claims ${bytes} bytes`, offset);
    const data_bytes = type === block_rle ? 1 : bytes;
    if (!is_last) return this.#expect('block', 3, data_bytes);
    const has_checksum = (this.#descriptor & 0b0000_0100) !== 0;
    this.#expect('magic', 4, data_bytes + (has_checksum ? 4 : 0));
  }
}
