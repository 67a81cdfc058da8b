/** The checksum of a command in a send stream. */
import { crc32c } from '@node-rs/crc32';
import { command_header_bytes, crc_offset_bytes } from './constants.js';

/**
 * `crc32c` takes and gives the CRC with all bits inverted, as zlib does; the stream inverts nothing. So a start
 * with 0 is this, and a result is inverted back.
 */
const inverted = 0xffff_ffff;
const zeroed_crc_field = Buffer.alloc(4);

/**
 * CRC32C of a whole command (header and payload) with its CRC field taken as zero, seed 0, no final inversion.
 * The bytes are neither changed nor copied.
 */
export function commandCrc(command: Buffer): number {
  let state = crc32c(command.subarray(0, crc_offset_bytes), inverted);
  state = crc32c(zeroed_crc_field, state);
  if (command.length > command_header_bytes) state = crc32c(command.subarray(command_header_bytes), state);
  return (state ^ inverted) >>> 0;
}

/** Whether the CRC in a command's header is that of its bytes. */
export function hasValidCrc(command: Buffer): boolean {
  return command.readUInt32LE(crc_offset_bytes) === commandCrc(command);
}
