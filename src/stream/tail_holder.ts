/** Withholds the END command of a send stream. */
import { command_header_bytes, command_types } from './constants.js';
import { corruptStream } from './corrupt.js';
import { hasValidCrc } from './crc.js';

/**
 * Passes a stream through but for its last 10 bytes, which are its END command. `btrfs receive` marks a subvolume as
 * complete (received_uuid, read-only) when it reads END, so the one who holds it decides whether that happens.
 */
export class TailHolder {
  #held: Buffer = Buffer.alloc(0);

  /** The bytes that are certainly not the last 10; views of what was pushed where that is possible. */
  push(chunk: Buffer): Buffer[] {
    const keep_from = chunk.length - command_header_bytes;
    if (keep_from >= 0) {
      const output = [this.#held, chunk.subarray(0, keep_from)].filter((part) => part.length > 0);
      // A copy: a view of 10 bytes would keep the whole chunk in memory.
      this.#held = Buffer.from(chunk.subarray(keep_from));
      return output;
    }
    const joined = Buffer.concat([this.#held, chunk]);
    const split = Math.max(0, joined.length - command_header_bytes);
    this.#held = joined.subarray(split);
    return split === 0 ? [] : [joined.subarray(0, split)];
  }

  /** What is not passed yet: the last 10 bytes so far. */
  get held(): Buffer {
    return this.#held;
  }

  /**
   * The END command, to be written once all else is proven.
   * @throws IcbdError `CorruptData` unless the stream's last 10 bytes are an END command with a valid CRC
   */
  finish(): Buffer {
    const is_end =
      this.#held.length === command_header_bytes &&
      this.#held.readUInt32LE(0) === 0 &&
      this.#held.readUInt16LE(4) === command_types.end &&
      hasValidCrc(this.#held);
    if (!is_end) throw corruptStream('the stream does not end with an END command');
    return this.#held;
  }
}
