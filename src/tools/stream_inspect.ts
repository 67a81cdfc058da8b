/** What a send stream says, command by command: `icbdrep stream inspect`. */
import type { Command } from '../stream/command_reader.js';
import { attribute_kinds } from '../stream/command_table.js';
import { decodeCommand, type FieldValue, type StreamTime } from '../stream/decode_command.js';
import { shownName } from '../stream/shown_name.js';
import { readCommands, type StreamSource } from './stream_source.js';

/** A field in JSON; a 64-bit number that JavaScript cannot hold exactly is a string of its digits. */
export type ShownValue = string | number;

/** A command as one line of JSON; its fields have the names of the attributes. */
export interface ShownCommand {
  /** Where it starts in the file. */
  readonly offset_bytes: number;
  /** Header included. */
  readonly length_bytes: number;
  readonly command: string;
  /** Names are escaped as `shownName` does. Of data there is only `data_bytes`, its length. */
  readonly [field: string]: ShownValue;
}

/** Octal, as people read it. */
const octal = new Set(['mode', 'fallocate_mode']);

function showTime({ seconds, nanoseconds }: StreamTime): string {
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}`;
}

function showNumber(value: bigint): ShownValue {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

function showValue(field: string, value: FieldValue): ShownValue {
  if (octal.has(field)) return `0${BigInt(value as bigint | number).toString(8)}`;
  if (typeof value === 'bigint') return showNumber(value);
  if (Buffer.isBuffer(value)) return shownName(value);
  return typeof value === 'object' ? showTime(value) : value;
}

const is_length_only = (field: string): boolean =>
  field !== 'xattr_data' && (attribute_kinds as Readonly<Record<string, string>>)[field] === 'bytes';

/** @throws IcbdError as `decodeCommand` */
export function showCommand(command: Command): ShownCommand {
  const shown: Record<string, ShownValue> = {};
  for (const [field, value] of Object.entries(decodeCommand(command) as Record<string, FieldValue>)) {
    if (is_length_only(field)) shown[`${field}_bytes`] = (value as Buffer).length;
    else shown[field] = showValue(field, value);
  }
  return {
    offset_bytes: command.start_bytes,
    length_bytes: command.bytes.length,
    command: command.name,
    ...shown,
  };
}

/**
 * Each command of the stream in its order.
 * @throws IcbdError as `verifyStream`; what came before the fault has been given
 */
export async function inspectStream(
  source: StreamSource,
  onCommand: (command: ShownCommand) => void,
  onProgress: (bytes: number) => void,
): Promise<void> {
  await readCommands(source, (command) => onCommand(showCommand(command)), onProgress);
}
