/**
 * Segments: the pieces of a send stream that `btrfs receive` takes as streams of their own, so that each leaves a
 * finished read-only subvolume, from which a transfer goes on after any crash.
 */
import { createHash } from 'node:crypto';
import type { StreamVersion } from '../core/codecs.js';
import { IcbdError } from '../core/errors.js';
import { hidden_prefix } from '../core/names.js';
import { bytesAttribute, uint64Attribute, uuidAttribute } from './attributes.js';
import type { Command } from './command_reader.js';
import { writeCommand } from './command_writer.js';
import { attribute_types, command_types } from './constants.js';
import { corruptStream } from './corrupt.js';
import { writeStreamHeader } from './stream_header.js';

/** What the first command of a stream says. */
export interface StreamHead {
  readonly version: StreamVersion;
  /** `full` creates a subvolume, `incremental` starts with a snapshot of the parent. */
  readonly kind: 'full' | 'incremental';
  /** The name that the sender gave, not checked and not used. */
  readonly path: string;
  /** The identity of the snapshot: what its received_uuid will be. */
  readonly uuid: string;
  readonly ctransid: bigint;
  /** Identity of the parent; empty for a full stream. */
  readonly clone_uuid: string;
}

/** One piece; the subvolume that it makes has this name and this received_uuid. */
export interface Segment {
  /** Which subvolume of the whole input it belongs to, from 0. */
  readonly ordinal: number;
  /** From 0 within the subvolume. */
  readonly index: number;
  /** One path component. */
  readonly name: string;
  readonly uuid: string;
  /** Whether it is the empty last one, whose uuid is the snapshot's own. */
  readonly is_final: boolean;
}

/** Whether a command starts a subvolume. */
export function isHead(command: Command): boolean {
  return command.type === command_types.subvol || command.type === command_types.snapshot;
}

/** @throws IcbdError `CorruptData` unless it is SUBVOL or SNAPSHOT with all that belongs to it */
export function readHead(command: Command): StreamHead {
  if (!isHead(command)) {
    throw corruptStream(
      `a stream starts with SUBVOL or SNAPSHOT, not with a command of type ${command.type}`,
    );
  }
  const attributes = command.attributes();
  const is_full = command.type === command_types.subvol;
  return {
    version: command.version,
    kind: is_full ? 'full' : 'incremental',
    path: bytesAttribute(attributes, attribute_types.path).toString(),
    uuid: uuidAttribute(attributes, attribute_types.uuid),
    ctransid: uint64Attribute(attributes, attribute_types.ctransid),
    clone_uuid: is_full ? '' : uuidAttribute(attributes, attribute_types.clone_uuid),
  };
}

/** What all names of segments with this seed start with. @throws IcbdError `InvalidArgument` for an odd seed */
export function segmentNamePrefix(seed: string): string {
  if (!/^[0-9a-z-]{1,32}$/.test(seed)) {
    throw new IcbdError('InvalidArgument', `${JSON.stringify(seed)} is no seed`, {
      operation: 'name segments',
      hint: '1 to 32 lower-case letters, digits and "-"',
    });
  }
  return `${hidden_prefix}part-${seed}.`;
}

/**
 * The name and uuid of a segment follow from the seed, the run, and its place: two runs never make the same, so
 * that what a dying process of an earlier one still does cannot get in the way.
 * @param uuid the snapshot's own
 */
export function makeSegment(
  uuid: string,
  names: { readonly seed: string; readonly run: number },
  place: Pick<Segment, 'ordinal' | 'index' | 'is_final'>,
): Segment {
  const path = `${names.run}.${place.ordinal}.${place.index}`;
  const name = `${segmentNamePrefix(names.seed)}${path}`;
  return { ...place, name, uuid: place.is_final ? uuid : syntheticUuid(`${uuid} ${names.seed} ${path}`) };
}

/** The beginning of SHA-256, marked as a uuid of the custom kind (RFC 9562, version 8). */
function syntheticUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Stream header and first command of segment 0: the original's, under the segment's name and uuid. */
export function openFirst(command: Command, segment: Segment): Buffer {
  const attributes = new Map([
    ...command.attributes(),
    [attribute_types.path, Buffer.from(segment.name)],
    [attribute_types.uuid, uuidBytes(segment.uuid)],
  ]);
  const { type, version } = command;
  return Buffer.concat([writeStreamHeader(version), writeCommand(type, attributes, version)]);
}

/** Stream header and first command of a later segment: a snapshot of the one before. */
export function openNext(
  segment: Segment,
  parent_uuid: string,
  { ctransid, version }: { readonly ctransid: bigint; readonly version: StreamVersion },
): Buffer {
  const transaction = Buffer.alloc(8);
  transaction.writeBigUInt64LE(ctransid);
  const attributes: [number, Buffer][] = [
    [attribute_types.path, Buffer.from(segment.name)],
    [attribute_types.uuid, uuidBytes(segment.uuid)],
    [attribute_types.ctransid, transaction],
    [attribute_types.clone_uuid, uuidBytes(parent_uuid)],
    [attribute_types.clone_ctransid, transaction],
  ];
  const snapshot = writeCommand(command_types.snapshot, attributes, version);
  return Buffer.concat([writeStreamHeader(version), snapshot]);
}

/** What ends every segment. */
export const segment_end = writeCommand(command_types.end, [], 1);

/**
 * A command as it must stand in a segment: a CLONE that reads from the snapshot itself names the segment, since
 * that is the subvolume's uuid while it is written; any other is passed on as it is.
 * @param uuid the snapshot's own
 * @throws IcbdError `CorruptData` if a CLONE cannot be read
 */
export function inSegment(command: Command, uuid: string, segment: Segment): Buffer {
  if (command.type !== command_types.clone) return command.bytes;
  const attributes = command.attributes();
  if (uuidAttribute(attributes, attribute_types.clone_uuid) !== uuid) return command.bytes;
  const changed = new Map([...attributes, [attribute_types.clone_uuid, uuidBytes(segment.uuid)]]);
  return writeCommand(command.type, changed, command.version);
}
