/** The attributes of a command: type, length, value. */
import type { StreamVersion } from '../core/codecs.js';
import { attribute_header_bytes, attribute_types } from './constants.js';
import { corruptStream } from './corrupt.js';

/** In the order of the stream, which is not fixed. Values are views, not copies. */
export type Attributes = ReadonlyMap<number, Buffer>;

const uint64_bytes = 8;
const uuid_bytes = 16;

/**
 * The attributes in a command's payload.
 * @throws IcbdError `CorruptData` if one is cut off or comes twice
 */
export function readAttributes(payload: Buffer, version: StreamVersion): Attributes {
  const attributes = new Map<number, Buffer>();
  let at = 0;
  while (at < payload.length) {
    if (at + 2 > payload.length) throw corruptStream('an attribute is cut off');
    const type = payload.readUInt16LE(at);
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

function required(attributes: Attributes, type: number, bytes?: number): Buffer {
  const value = attributes.get(type);
  if (value === undefined) throw corruptStream(`a command lacks attribute ${type}`);
  if (bytes !== undefined && value.length !== bytes) {
    throw corruptStream(`attribute ${type} has ${value.length} bytes in place of ${bytes}`);
  }
  return value;
}

/** @throws IcbdError `CorruptData` if it is missing, or has another size */
export function uint64Attribute(attributes: Attributes, type: number): bigint {
  return required(attributes, type, uint64_bytes).readBigUInt64LE();
}

/**
 * A uuid in lower case with dashes.
 * @throws IcbdError `CorruptData` if it is missing, or has another size
 */
export function uuidAttribute(attributes: Attributes, type: number): string {
  const hex = required(attributes, type, uuid_bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** @throws IcbdError `CorruptData` if it is missing */
export function bytesAttribute(attributes: Attributes, type: number): Buffer {
  return required(attributes, type);
}
