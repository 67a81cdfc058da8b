import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import {
  attribute_header_bytes,
  attribute_types,
  command_bytes_max,
  command_header_bytes,
  crc_offset_bytes,
} from './constants.js';
import { commandCrc } from './crc.js';

/** An attribute's length is a u16. */
const attribute_bytes_max = 0xffff;

function refuse(message: string): never {
  throw new IcbdError('InvalidArgument', message, { operation: 'write send stream' });
}

/**
 * A whole command with its length and CRC.
 * @param attributes written in this order; from version 2 on DATA must be the last
 * @throws IcbdError `InvalidArgument` if an attribute or the command is too long for its version, or DATA is not last
 */
export function writeCommand(
  type: number,
  attributes: Iterable<readonly [type: number, value: Buffer]>,
  version: StreamVersion,
): Buffer {
  const parts: Buffer[] = [Buffer.alloc(command_header_bytes)];
  let is_closed = false;
  for (const [attribute_type, value] of attributes) {
    if (is_closed) refuse('from stream version 2 on DATA must be the last attribute');
    is_closed = version >= 2 && attribute_type === attribute_types.data;
    if (!is_closed && value.length > attribute_bytes_max) {
      refuse(`attribute ${attribute_type} has ${value.length} bytes, over ${attribute_bytes_max}`);
    }
    const header = Buffer.alloc(is_closed ? 2 : attribute_header_bytes);
    header.writeUInt16LE(attribute_type, 0);
    if (!is_closed) header.writeUInt16LE(value.length, 2);
    parts.push(header, value);
  }
  const command = Buffer.concat(parts);
  const most = command_bytes_max[version];
  if (command.length > most) refuse(`the command has ${command.length} bytes, over ${most}`);
  command.writeUInt32LE(command.length - command_header_bytes, 0);
  command.writeUInt16LE(type, 4);
  command.writeUInt32LE(commandCrc(command), crc_offset_bytes);
  return command;
}
