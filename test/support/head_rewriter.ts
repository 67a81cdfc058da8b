/** Gives the subvolume that a send stream makes another name, as a receiver without segments would. */
import type { StreamHead } from '../../src/stream/segment.js';
import type { StreamVersion } from '../../src/core/codecs.js';
import { IcbdError } from '../../src/core/errors.js';
import {
  bytesAttribute,
  readAttributes,
  uint64Attribute,
  uuidAttribute,
} from '../../src/stream/attributes.js';
import { writeCommand } from '../../src/stream/command_writer.js';
import {
  attribute_types,
  command_header_bytes,
  command_types,
  stream_header_bytes,
} from '../../src/stream/constants.js';
import { corruptStream } from '../../src/stream/corrupt.js';
import { hasValidCrc } from '../../src/stream/crc.js';
import { readStreamHeader } from '../../src/stream/stream_header.js';

/** A path of 4096 bytes and five short attributes fit many times. */
const head_payload_bytes_max = 8 * 1024;

/**
 * Rewrites the path in the first command (SUBVOL or SNAPSHOT) of one stream; every later byte passes untouched and
 * uncopied. What the sender called the subvolume has no influence on where it is received.
 */
export class HeadRewriter {
  readonly #name: Buffer;
  #waiting: Buffer = Buffer.alloc(0);
  #head: StreamHead | undefined;

  /**
   * @param name the subvolume's new name, one path component
   * @throws IcbdError `InvalidArgument` if it is none
   */
  constructor(name: string) {
    this.#name = Buffer.from(name);
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || this.#name.length > 255) {
      throw new IcbdError('InvalidArgument', `${JSON.stringify(name)} is not one path component`, {
        operation: 'rewrite send stream',
        subject: name,
      });
    }
  }

  /** What the first command said; undefined until it has come. */
  get head(): StreamHead | undefined {
    return this.#head;
  }

  /**
   * The next bytes of the stream in, the same with the new name out; empty while the first command is incomplete.
   * @throws IcbdError `CorruptData` if this is no send stream, or its first command is not whole, not valid, or
   *   neither SUBVOL nor SNAPSHOT; `StreamVersionNotSupported` for a version but 1 and 2
   */
  push(chunk: Buffer): Buffer[] {
    if (this.#head !== undefined) return chunk.length === 0 ? [] : [chunk];
    const held = this.#waiting.length;
    const bytes = held === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const end = endOfHead(bytes);
    if (end === undefined) {
      // Bounded: endOfHead refuses a first command that is longer than any can be.
      this.#waiting = Buffer.from(bytes);
      return [];
    }
    this.#waiting = Buffer.alloc(0);
    const version = readStreamHeader(bytes);
    const rewritten = this.#rewrite(bytes.subarray(stream_header_bytes, end), version);
    const output = [Buffer.from(bytes.subarray(0, stream_header_bytes)), rewritten];
    if (bytes.length > end) output.push(chunk.subarray(end - held));
    return output;
  }

  /** @throws IcbdError `CorruptData` if the stream ended before its first command was complete */
  finish(): void {
    if (this.#head === undefined) throw corruptStream('the stream ends before its first command is complete');
  }

  #rewrite(command: Buffer, version: StreamVersion): Buffer {
    const type = command.readUInt16LE(4);
    if (type !== command_types.subvol && type !== command_types.snapshot) {
      throw corruptStream(`a stream starts with SUBVOL or SNAPSHOT, not with a command of type ${type}`);
    }
    if (!hasValidCrc(command)) throw corruptStream('the first command of the stream has a wrong CRC');
    const attributes = readAttributes(command.subarray(command_header_bytes), version);
    const is_full = type === command_types.subvol;
    this.#head = {
      version,
      kind: is_full ? 'full' : 'incremental',
      path: bytesAttribute(attributes, attribute_types.path).toString(),
      uuid: uuidAttribute(attributes, attribute_types.uuid),
      ctransid: uint64Attribute(attributes, attribute_types.ctransid),
      clone_uuid: is_full ? '' : uuidAttribute(attributes, attribute_types.clone_uuid),
    };
    return writeCommand(type, new Map([...attributes, [attribute_types.path, this.#name]]), version);
  }
}

/** Where the first command ends in the stream; undefined while its header is incomplete or bytes are missing. */
function endOfHead(bytes: Buffer): number | undefined {
  if (bytes.length < stream_header_bytes) return undefined;
  readStreamHeader(bytes);
  if (bytes.length < stream_header_bytes + command_header_bytes) return undefined;
  const payload_bytes = bytes.readUInt32LE(stream_header_bytes);
  if (payload_bytes > head_payload_bytes_max) {
    throw corruptStream(`the first command of the stream claims ${payload_bytes} bytes`);
  }
  const end = stream_header_bytes + command_header_bytes + payload_bytes;
  return bytes.length < end ? undefined : end;
}
