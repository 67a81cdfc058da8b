/** The attributes of a command: type, length, value. */
import type { StreamVersion } from '../core/codecs.js';
import { attribute_header_bytes, attribute_type_max, attribute_types } from './constants.js';
import { corruptStream, newerStream } from './corrupt.js';

/** In the order of the stream, which is not fixed. Values are views, not copies. */
export type Attributes = ReadonlyMap<number, Buffer>;

const uint64_bytes = 8;
const uuid_bytes = 16;

/**
 * The attributes in a command's payload. As `btrfs receive` does, it takes them in any order and does not mind those
 * that the command has no use for, and refuses those that it does not know. That one may come only once is stricter:
 * `btrfs receive` would use the last.
 * @throws IcbdError `CorruptData` if one is cut off, comes twice, or has type 0; `StreamVersionNotSupported` if it is
 *   one that not even version 3 has
 */
export function readAttributes(payload: Buffer, version: StreamVersion): Attributes {
  const attributes = new Map<number, Buffer>();
  let at = 0;
  while (at < payload.length) {
    if (at + 2 > payload.length) throw corruptStream('an attribute is cut off');
    const type = payload.readUInt16LE(at);
    if (type === 0) throw corruptStream('an attribute has type 0');
    if (type > attribute_type_max)
      throw newerStream(`a command has an attribute of the unknown type ${type}`);
    if (attributes.has(type)) throw corruptStream(`attribute ${type} comes twice in one command`);
    if (version >= 2 && type === attribute_types.data) {
      attributes.set(type, payload.subarray(at + 2));
      break;
    }
    if (at + attribute_header_bytes > payload.length) throw corruptStream('an attribute is cut off');
    const end = at + attribute_header_bytes + payload.readUInt16LE(at + 2);
    if (end > payload.length) throw corruptStream(`attribute ${type} is longer than its command`);
    attributes.set(type, payload.subarray(at + attribute_header_bytes, end));
    at = end;
  }
  return attributes;
}

/**
 * The value of an attribute that must be there.
 * @param bytes the size that it must have
 * @throws IcbdError `CorruptData` if it is missing, or has another size
 */
export function requiredAttribute(attributes: Attributes, type: number, bytes?: number): Buffer {
  const value = attributes.get(type);
  if (value === undefined) throw corruptStream(`a command lacks attribute ${type}`);
  if (bytes !== undefined && value.length !== bytes) {
    throw corruptStream(`attribute ${type} has ${value.length} bytes in place of ${bytes}`);
  }
  return value;
}

/** @throws IcbdError `CorruptData` if it is missing, or has another size */
export function uint64Attribute(attributes: Attributes, type: number): bigint {
  return requiredAttribute(attributes, type, uint64_bytes).readBigUInt64LE();
}

/** 16 bytes as a uuid in lower case with dashes. */
export function readUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * A uuid in lower case with dashes.
 * @throws IcbdError `CorruptData` if it is missing, or has another size
 */
export function uuidAttribute(attributes: Attributes, type: number): string {
  return readUuid(requiredAttribute(attributes, type, uuid_bytes));
}

/** @throws IcbdError `CorruptData` if it is missing */
export function bytesAttribute(attributes: Attributes, type: number): Buffer {
  return requiredAttribute(attributes, type);
}
