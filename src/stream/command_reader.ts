/** Reads a send stream command by command, from buffers of any size. */
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { type Attributes, readAttributes } from './attributes.js';
import { type CommandName, commandName, command_table } from './command_table.js';
import { command_bytes_max, command_header_bytes, command_types, stream_header_bytes } from './constants.js';
import { corruptStream, newerStream } from './corrupt.js';
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

  /** @throws IcbdError `StreamVersionNotSupported` if no version has such a command; a reader gives none such */
  get name(): CommandName {
    const name = commandName(this.type);
    if (name === undefined) throw newerStream(`the command type ${this.type} is unknown`);
    return name;
  }

  get payload(): Buffer {
    return this.bytes.subarray(command_header_bytes);
  }

  /** @throws IcbdError `CorruptData` if they cannot be read, `StreamVersionNotSupported` if one is unknown */
  attributes(): Attributes {
    return readAttributes(this.payload, this.version);
  }
}

/** A command type in words, for messages. */
function describeType(type: number): string {
  return `${commandName(type) ?? `type ${type}`} command`;
}

export interface CommandReaderOptions {
  /**
   * Types whose CRC is left to who takes the commands in the end, as `btrfs receive` does check it. Only for commands
   * that reach it as they are: the CRC of one that is changed is made anew.
   */
  readonly unchecked_types?: ReadonlySet<number>;
}

/**
 * Takes a stream, or several one after the other as `btrfs receive` does, each with its header and its END.
 * Holds at most one incomplete command, and none longer than a kernel writes.
 */
export class CommandReader {
  readonly #unchecked_types: ReadonlySet<number>;
  #version: StreamVersion | undefined;
  /** The start of an incomplete command; room for all of it, of which the first `#pending_bytes` are filled. */
  #pending: Buffer = Buffer.alloc(0);
  #pending_bytes = 0;
  #consumed_bytes = 0;
  #last_type = 0;
  #busy = false;
  #failure: IcbdError | undefined;

  constructor({ unchecked_types = new Set() }: CommandReaderOptions = {}) {
    this.#unchecked_types = unchecked_types;
  }

  /** Bytes of all complete headers and commands so far. */
  get consumed_bytes(): number {
    return this.#consumed_bytes;
  }

  /**
   * The commands that this buffer completes, each with a valid CRC (unless that is left to others) and of a type that
   * its version has. All of them must be taken before the next push. The buffer must not be changed while a command of it is used.
   *
   * `btrfs receive` skips unknown commands in silence; here they end the stream, since nobody can say what is missing
   * then.
   * @throws IcbdError `CorruptData`, `StreamVersionNotSupported`; and again at every later call
   */
  *push(buffer: Buffer): Generator<Command, void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#busy) {
      throw new IcbdError('Internal', 'the commands of the buffer before were not all taken', {
        operation: 'read send stream',
      });
    }
    this.#busy = true;
    let rest = buffer;
    for (;;) {
      const piece = this.#take(rest);
      if (piece === undefined) break;
      rest = rest.subarray(piece.taken_bytes);
      if (piece.command !== undefined) yield piece.command;
    }
    this.#busy = false;
  }

  /**
   * Says that nothing follows.
   * @throws IcbdError `CorruptData` unless the last command was END; the first error, if there was one
   */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const end = `after ${this.#consumed_bytes + this.#pending_bytes} bytes`;
    if (this.#version === undefined) {
      if (this.#consumed_bytes === 0) throw corruptStream(`the stream is cut off ${end}, in its header`);
      if (this.#pending_bytes === 0) return;
      throw corruptStream(`${this.#pending_bytes} bytes follow the END command and are no stream`);
    }
    const inside = this.#pending_bytes > 0 ? `in the command at byte ${this.#consumed_bytes}` : '';
    const last = this.#last_type === 0 ? '' : ` after a ${describeType(this.#last_type)}`;
    const where = inside === '' ? `between two commands${last}` : inside;
    throw corruptStream(`the stream is cut off ${end}, ${where}: its END command is missing`);
  }

  /** Header or command at the start of what is held and `rest`; undefined while it is incomplete. */
  #take(rest: Buffer): { readonly taken_bytes: number; readonly command?: Command } | undefined {
    try {
      const needed = this.#neededBytes(rest);
      const missing = needed - this.#pending_bytes;
      if (rest.length < missing) {
        this.#keep(rest, needed);
        return undefined;
      }
      const piece = this.#join(rest.subarray(0, missing), needed);
      if (this.#version !== undefined) {
        return { taken_bytes: missing, command: this.#command(piece, this.#version) };
      }
      this.#version = readStreamHeader(piece);
      this.#consumed_bytes += piece.length;
      return { taken_bytes: missing };
    } catch (error) {
      this.#failure = IcbdError.from(error, 'read send stream');
      throw this.#failure;
    }
  }

  /** The size of the next stream header or command, or of its header while its length is not known. */
  #neededBytes(rest: Buffer): number {
    if (this.#version === undefined) return stream_header_bytes;
    if (this.#pending_bytes + rest.length < command_header_bytes) return command_header_bytes;
    const needed = command_header_bytes + this.#payloadBytes(rest);
    const most = command_bytes_max[this.#version];
    if (needed > most) {
      const where = `the command at byte ${this.#consumed_bytes}`;
      throw corruptStream(`${where} claims ${needed} bytes; no kernel writes over ${most}`);
    }
    return needed;
  }

  #payloadBytes(rest: Buffer): number {
    if (this.#pending_bytes === 0) return rest.readUInt32LE(0);
    const length_field = Buffer.alloc(4);
    this.#pending.copy(length_field, 0, 0, this.#pending_bytes);
    if (this.#pending_bytes < 4) rest.copy(length_field, this.#pending_bytes);
    return length_field.readUInt32LE(0);
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
    const where = `the ${describeType(type)} at byte ${this.#consumed_bytes}`;
    if (!this.#unchecked_types.has(type) && !hasValidCrc(bytes))
      throw corruptStream(`${where} has a wrong CRC`);
    const name = commandName(type);
    if (name === undefined) throw newerStream(`${where} is unknown`);
    const { since } = command_table[name];
    if (since > version) {
      throw newerStream(`${where} belongs to stream version ${since}; the stream says ${version}`);
    }
    const command = new Command(type, version, this.#consumed_bytes, bytes);
    this.#consumed_bytes += bytes.length;
    this.#last_type = type;
    if (type === command_types.end) this.#version = undefined;
    return command;
  }
}
