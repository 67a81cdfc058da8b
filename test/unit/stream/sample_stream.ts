/** Streams as a kernel would write them, made by the writer under test and by hand. */
import * as fc from 'fast-check';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';

/** The END command as measured in a real stream. */
export const end_command = Buffer.from('000000001500506cc99d', 'hex');

export const sample_uuid = '00112233-4455-6677-8899-aabbccddeeff';
export const sample_clone_uuid = 'ffeeddcc-bbaa-9988-7766-554433221100';

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function subvolCommand(path: string, version: StreamVersion): Buffer {
  const attributes: [number, Buffer][] = [
    [attribute_types.path, Buffer.from(path)],
    [attribute_types.uuid, uuidBytes(sample_uuid)],
    [attribute_types.ctransid, uint64(42)],
  ];
  return writeCommand(command_types.subvol, attributes, version);
}

export function snapshotCommand(path: string, version: StreamVersion): Buffer {
  const attributes: [number, Buffer][] = [
    [attribute_types.path, Buffer.from(path)],
    [attribute_types.uuid, uuidBytes(sample_uuid)],
    [attribute_types.ctransid, uint64(42)],
    [attribute_types.clone_uuid, uuidBytes(sample_clone_uuid)],
    [attribute_types.clone_ctransid, uint64(41)],
  ];
  return writeCommand(command_types.snapshot, attributes, version);
}

export function writeDataCommand(path: string, data: Buffer, version: StreamVersion): Buffer {
  const attributes: [number, Buffer][] = [
    [attribute_types.path, Buffer.from(path)],
    [attribute_types.file_offset, uint64(4096)],
    [attribute_types.data, data],
  ];
  return writeCommand(command_types.write, attributes, version);
}

export interface SampleStream {
  readonly version: StreamVersion;
  readonly path: string;
  readonly first: Buffer;
  /** The commands after the first, END included. */
  readonly commands: readonly Buffer[];
  readonly bytes: Buffer;
}

/** Any stream: a first command of either kind, some WRITEs, END. */
export const arbitrary_stream: fc.Arbitrary<SampleStream> = fc
  .record({
    version: fc.constantFrom<StreamVersion>(1, 2),
    full: fc.boolean(),
    path: fc.string({ minLength: 1, maxLength: 40 }),
    data: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
  })
  .map(({ version, full, path, data }) => {
    const first = full ? subvolCommand(path, version) : snapshotCommand(path, version);
    const writes = data.map((part, index) => writeDataCommand(`file ${index}`, Buffer.from(part), version));
    const commands = [...writes, end_command];
    return {
      version,
      path,
      first,
      commands,
      bytes: Buffer.concat([writeStreamHeader(version), first, ...commands]),
    };
  });

/** Cuts `bytes` at the given places, taken modulo its length; empty pieces are possible. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [...sorted, bytes.length].map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
}

export const arbitrary_cuts = fc.array(fc.nat({ max: 1_000_000 }), { maxLength: 30 });
