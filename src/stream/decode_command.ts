/** The fields of a command. */
import { type Attributes, readUuid, requiredAttribute } from './attributes.js';
import type { Command } from './command_reader.js';
import {
  type AttributeKind,
  type AttributeName,
  attribute_kinds,
  type CommandName,
  command_table,
} from './command_table.js';
import { attribute_types } from './constants.js';
import { atCommand } from './corrupt.js';

/** A time of a file: seconds since 1970, which may be negative, and nanoseconds. */
export interface StreamTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

interface ValueOfKind {
  /** Lower case with dashes. */
  uuid: string;
  uint64: bigint;
  uint32: number;
  uint8: number;
  time: StreamTime;
  /** A view of the command's bytes, as all three. */
  path: Buffer;
  text: Buffer;
  bytes: Buffer;
}

type ValueOf<Name extends AttributeName> = ValueOfKind[(typeof attribute_kinds)[Name]];

type FieldsOf<Name extends CommandName> = {
  readonly [Field in (typeof command_table)[Name]['required'][number]]: ValueOf<Field>;
} & {
  readonly [Field in (typeof command_table)[Name]['optional'][number]]?: ValueOf<Field>;
};

/** A command by its name, with its fields under the names of their attributes. */
export type StreamCommand = {
  [Name in CommandName]: { readonly command: Name } & FieldsOf<Name>;
}[CommandName];

export type FieldValue = ValueOfKind[AttributeKind];

const readers: Readonly<Record<AttributeKind, (attributes: Attributes, type: number) => FieldValue>> = {
  uuid: (attributes, type) => readUuid(requiredAttribute(attributes, type, 16)),
  uint64: (attributes, type) => requiredAttribute(attributes, type, 8).readBigUInt64LE(),
  uint32: (attributes, type) => requiredAttribute(attributes, type, 4).readUInt32LE(),
  uint8: (attributes, type) => requiredAttribute(attributes, type, 1).readUInt8(),
  time: (attributes, type) => {
    const value = requiredAttribute(attributes, type, 12);
    return { seconds: value.readBigInt64LE(), nanoseconds: value.readUInt32LE(8) };
  },
  path: requiredAttribute,
  text: requiredAttribute,
  bytes: requiredAttribute,
};

/**
 * The command's fields; attributes that it has no use for are left out, as `btrfs receive` does.
 * @throws IcbdError `CorruptData` if an attribute is missing or has the wrong size; as `readAttributes`
 */
export function decodeCommand(command: Command): StreamCommand {
  const { name } = command;
  const { required, optional } = command_table[name];
  try {
    const attributes = command.attributes();
    const fields: Record<string, FieldValue> = { command: name };
    for (const field of required) {
      fields[field] = readers[attribute_kinds[field]](attributes, attribute_types[field]);
    }
    for (const field of optional) {
      const type = attribute_types[field];
      if (attributes.has(type)) fields[field] = readers[attribute_kinds[field]](attributes, type);
    }
    return fields as unknown as StreamCommand;
  } catch (error) {
    throw atCommand(error, name, command.start_bytes);
  }
}
