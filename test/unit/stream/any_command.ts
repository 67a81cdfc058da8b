/** Commands of all kinds from their fields, and any of them for properties. */
import * as fc from 'fast-check';
import type { StreamVersion } from '../../../src/core/codecs.js';
import {
  type AttributeKind,
  type AttributeName,
  attribute_kinds,
  type CommandName,
  command_table,
} from '../../../src/stream/command_table.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import type { FieldValue, StreamCommand, StreamTime } from '../../../src/stream/decode_command.js';

export const command_names = Object.keys(command_table) as CommandName[];

/** Those that a stream of the version may have. */
export function commandsOf(version: StreamVersion): CommandName[] {
  return command_names.filter((name) => command_table[name].since <= version);
}

const encoders: Readonly<Record<AttributeKind, (value: FieldValue) => Buffer>> = {
  uuid: (value) => Buffer.from((value as string).replaceAll('-', ''), 'hex'),
  uint64: (value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value as bigint);
    return bytes;
  },
  uint32: (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value as number);
    return bytes;
  },
  uint8: (value) => Buffer.of(value as number),
  time: (value) => {
    const { seconds, nanoseconds } = value as StreamTime;
    const bytes = Buffer.alloc(12);
    bytes.writeBigInt64LE(seconds);
    bytes.writeUInt32LE(nanoseconds, 8);
    return bytes;
  },
  path: (value) => value as Buffer,
  text: (value) => value as Buffer,
  bytes: (value) => value as Buffer,
};

/** The attributes of a command in the order of its fields, DATA last. */
export function encodeFields(fields: StreamCommand): [type: number, value: Buffer][] {
  const { command: _, ...values } = fields;
  const attributes = Object.entries(values).map(([name, value]): [number, Buffer] => {
    const field = name as AttributeName;
    return [attribute_types[field], encoders[attribute_kinds[field]](value as FieldValue)];
  });
  const { data } = attribute_types;
  return attributes.toSorted(([a], [b]) => Number(a === data) - Number(b === data));
}

export function encodeCommand(fields: StreamCommand, version: StreamVersion = 2): Buffer {
  return writeCommand(command_types[fields.command], encodeFields(fields), version);
}

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'.split('')), minLength: length, maxLength: length });

const arbitrary_bytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));

const arbitrary_values: Readonly<Record<AttributeKind, fc.Arbitrary<FieldValue>>> = {
  uuid: fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join('-')),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  uint32: fc.nat({ max: 2 ** 32 - 1 }),
  uint8: fc.nat({ max: 255 }),
  time: fc.record({
    seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    nanoseconds: fc.nat({ max: 2 ** 32 - 1 }),
  }),
  path: arbitrary_bytes,
  text: arbitrary_bytes,
  bytes: arbitrary_bytes,
};

function valuesOf(fields: readonly AttributeName[]): Record<string, fc.Arbitrary<FieldValue>> {
  return Object.fromEntries(fields.map((field) => [field, arbitrary_values[attribute_kinds[field]]]));
}

/** Any values in all required fields, and in some of the optional ones. */
export function arbitraryCommand(name: CommandName): fc.Arbitrary<StreamCommand> {
  const { required, optional } = command_table[name];
  return fc
    .record({ ...valuesOf(required), ...valuesOf(optional) }, { requiredKeys: [...required] })
    .map((fields) => ({ command: name, ...fields }) as unknown as StreamCommand);
}
