/** Reads a send stream command by command, from buffers of any size. */
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { type Attributes, readAttributes } from './attributes.js';
import { command_bytes_max, command_header_bytes, command_types, stream_header_bytes } from './constants.js';
import { corruptStream } from './corrupt.js';
import { hasValidCrc } from './crc.js';
import { readStreamHeader } from './stream_header.js';

/** One command of a stream; its bytes are a view of what was pushed where that is possible. */
export class Command {
  constructor(
    readonly type: number,
    readonly version: StreamVersion,
    /** Where it starts in all that was pushed. */
    readonly start_bytes: number,
    /** Header and payload. */
    readonly bytes: Buffer,
  ) {}

  get payload(): Buffer {
    return this.bytes.subarray(command_header_bytes);
  }

  /** @throws IcbdError `CorruptData` if they cannot be read */
  attributes(): Attributes {
    return readAttributes(this.payload, this.version);
  }
}

/**
 * Takes a stream, or several one after the other as `btrfs receive` does, each with its header and its END.
 * Holds at most one incomplete command, and none longer than a kernel writes.
 */
export class CommandReader {
  #version: StreamVersion | undefined;
  /** The start of an incomplete command; room for all of it, of which the first `#pending_bytes` are filled. */
  #pending: Buffer = Buffer.alloc(0);
  #pending_bytes = 0;
  #consumed_bytes = 0;
  #busy = false;

  /** Bytes of all complete headers and commands so far. */
  get consumed_bytes(): number {
    return this.#consumed_bytes;
  }

  /**
   * The commands that this buffer completes, each with a valid CRC. All of them must be taken before the next
   * push. The buffer must not be changed while a command of it is used.
   * @throws IcbdError `CorruptData`, `ProtocolVersionMismatch`
   */
  *push(buffer: Buffer): Generator<Command, void> {
    if (this.#busy) {
      throw new IcbdError('Internal', 'the commands of the buffer before were not all taken', {
        operation: 'read send stream',
      });
    }
    this.#busy = true;
    let rest = buffer;
    for (;;) {
      const needed = this.#neededBytes(rest);
      const missing = needed - this.#pending_bytes;
      if (rest.length < missing) {
        this.#keep(rest, needed);
        break;
      }
      const piece = this.#join(rest.subarray(0, missing), needed);
      rest = rest.subarray(missing);
      if (this.#version === undefined) {
        this.#version = readStreamHeader(piece);
        this.#consumed_bytes += piece.length;
        continue;
      }
      yield this.#command(piece, this.#version);
    }
    this.#busy = false;
  }

  /**
   * Says that nothing follows.
   * @throws IcbdError `CorruptData` unless the last command was END
   */
  finish(): void {
    if (this.#version !== undefined || this.#pending_bytes > 0 || this.#consumed_bytes === 0) {
      throw corruptStream(`the stream ends after ${this.#consumed_bytes} bytes without its END command`);
    }
  }

  /** The size of the next stream header or command, or of its header while its length is not known. */
  #neededBytes(rest: Buffer): number {
    if (this.#version === undefined) return stream_header_bytes;
    if (this.#pending_bytes + rest.length < command_header_bytes) return command_header_bytes;
    const length_field = Buffer.alloc(4);
    this.#pending.copy(length_field, 0, 0, this.#pending_bytes);
    if (this.#pending_bytes < 4) rest.copy(length_field, this.#pending_bytes);
    const needed = command_header_bytes + length_field.readUInt32LE(0);
    const most = command_bytes_max[this.#version];
    if (needed > most) throw corruptStream(`a command claims ${needed} bytes; no kernel writes over ${most}`);
    return needed;
  }

  /** Copied: the owner may use the buffer again, and a view of a few bytes would hold all of it. */
  #keep(rest: Buffer, needed: number): void {
    if (this.#pending.length < needed) {
      const larger = Buffer.allocUnsafe(needed);
      this.#pending.copy(larger, 0, 0, this.#pending_bytes);
      this.#pending = larger;
    }
    rest.copy(this.#pending, this.#pending_bytes);
    this.#pending_bytes += rest.length;
  }

  #join(end: Buffer, needed: number): Buffer {
    if (this.#pending_bytes === 0) return end;
    this.#keep(end, needed);
    const whole = this.#pending.subarray(0, needed);
    this.#pending = Buffer.alloc(0);
    this.#pending_bytes = 0;
    return whole;
  }

  #command(bytes: Buffer, version: StreamVersion): Command {
    const type = bytes.readUInt16LE(4);
    if (!hasValidCrc(bytes)) {
      throw corruptStream(`the command at byte ${this.#consumed_bytes} (type ${type}) has a wrong CRC`);
    }
    const command = new Command(type, version, this.#consumed_bytes, bytes);
    this.#consumed_bytes += bytes.length;
    if (type === command_types.end) this.#version = undefined;
    return command;
  }
}
