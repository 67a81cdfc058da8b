/** Segments as `btrfs receive` would read them, and the stream that they are made of. */
import { expect } from 'vitest';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { uuidAttribute } from '../../../src/stream/attributes.js';
import { type Command, CommandReader } from '../../../src/stream/command_reader.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import type { CutterOutput } from '../../../src/stream/cutter.js';
import { isHead } from '../../../src/stream/segment.js';
import * as sample from './sample_stream.js';

export function cloneCommand(uuid: string, version: StreamVersion): Buffer {
  const attributes: [number, Buffer][] = [
    [attribute_types.file_offset, sample.uint64(0)],
    [attribute_types.clone_len, sample.uint64(4096)],
    [attribute_types.path, Buffer.from('to')],
    [attribute_types.clone_uuid, Buffer.from(uuid.replaceAll('-', ''), 'hex')],
    [attribute_types.clone_ctransid, sample.uint64(42)],
    [attribute_types.clone_path, Buffer.from('from')],
    [attribute_types.clone_offset, sample.uint64(0)],
  ];
  return writeCommand(command_types.clone, attributes, version);
}

export interface Made {
  readonly name: string;
  readonly uuid: string;
  readonly index: number;
  readonly is_final: boolean;
  readonly commands: Command[];
  /** Undefined until it is closed. */
  offset_bytes: number | undefined;
}

/** The segments as `btrfs receive` would read them, every CRC checked. */
export function segmentsOf(outputs: readonly CutterOutput[]): Made[] {
  const made: Made[] = [];
  let data: Buffer[] = [];
  for (const output of outputs) {
    if (output.kind === 'open') {
      made.push({ ...output.segment, commands: [], offset_bytes: undefined });
      data = [];
    } else if (output.kind === 'data') data.push(output.bytes);
    else if (output.kind === 'close') {
      const segment = made.at(-1);
      if (segment?.uuid !== output.segment.uuid) throw new Error('another segment is closed than was opened');
      segment.offset_bytes = output.offset_bytes;
      const reader = new CommandReader();
      segment.commands.push(...reader.push(Buffer.concat(data)));
      reader.finish();
    }
  }
  expect(made.every((segment) => segment.offset_bytes !== undefined)).toBe(true);
  return made;
}

/** Commands of the original: SUBVOL and SNAPSHOT without path and uuid, all else as it was; no END. */
export function essence(command: Command, own_uuid: string): unknown {
  const attributes = new Map(command.attributes());
  if (isHead(command)) {
    attributes.delete(attribute_types.path);
    attributes.delete(attribute_types.uuid);
  }
  if (
    command.type === command_types.clone &&
    uuidAttribute(attributes, attribute_types.clone_uuid) === own_uuid
  ) {
    attributes.set(attribute_types.clone_uuid, Buffer.from('itself'));
  }
  return [command.type, [...attributes].map(([type, value]) => [type, value.toString('hex')])];
}

export function originalOf(input: Buffer): unknown[] {
  const commands = [...new CommandReader().push(input)];
  return commands
    .filter(({ type }) => type !== command_types.end)
    .map((one) => essence(one, sample.sample_uuid));
}

export function rejoin(segments: readonly Made[]): unknown[] {
  return segments.flatMap(({ commands, uuid, index, is_final }) => {
    expect(isHead(commands[0] as Command)).toBe(true);
    expect(commands.at(-1)?.type).toBe(command_types.end);
    const inner = commands.slice(index === 0 && !is_final ? 0 : 1, -1);
    expect(is_final && inner.length > 0).toBe(false);
    return inner.map((command) => essence(command, uuid));
  });
}
