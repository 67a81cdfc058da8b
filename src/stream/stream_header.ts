import type { StreamVersion } from '../core/codecs.js';
import { stream_header_bytes, stream_magic } from './constants.js';
import { corruptStream, newerStream } from './corrupt.js';

/**
 * The version that a stream's header says.
 * @param header at least the first `stream_header_bytes` of the stream
 * @throws IcbdError `CorruptData` if it is no send stream; `StreamVersionNotSupported` for a version but 1 and 2
 */
export function readStreamHeader(header: Buffer): StreamVersion {
  if (header.length < stream_header_bytes || !header.subarray(0, stream_magic.length).equals(stream_magic)) {
    throw corruptStream('these bytes are not a btrfs send stream: the magic is missing');
  }
  const version = header.readUInt32LE(stream_magic.length);
  if (version === 1 || version === 2) return version;
  throw newerStream(`the send stream has version ${version}`);
}

/** The header of a stream. */
export function writeStreamHeader(version: StreamVersion): Buffer {
  const header = Buffer.alloc(stream_header_bytes);
  stream_magic.copy(header);
  header.writeUInt32LE(version, stream_magic.length);
  return header;
}
