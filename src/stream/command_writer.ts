import type { StreamVersion } from '../core/codecs.js';
import {
  attribute_header_bytes,
  attribute_types,
  command_header_bytes,
  crc_offset_bytes,
} from './constants.js';
import { commandCrc } from './crc.js';

/**
 * A whole command with its length and CRC.
 * @param attributes written in this order; from version 2 on DATA must be the last
 */
export function writeCommand(
  type: number,
  attributes: Iterable<readonly [type: number, value: Buffer]>,
  version: StreamVersion,
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(command_header_bytes)];
  for (const [attribute_type, value] of attributes) {
    const has_length = version < 2 || attribute_type !== attribute_types.data;
    const header = Buffer.alloc(has_length ? attribute_header_bytes : 2);
    header.writeUInt16LE(attribute_type, 0);
    if (has_length) header.writeUInt16LE(value.length, 2);
    parts.push(header, value);
  }
  const command = Buffer.concat(parts);
  command.writeUInt32LE(command.length - command_header_bytes, 0);
  command.writeUInt16LE(type, 4);
  command.writeUInt32LE(commandCrc(command), crc_offset_bytes);
  return command;
}
