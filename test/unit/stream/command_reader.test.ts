import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Command, CommandReader } from '../../../src/stream/command_reader.js';
import { command_bytes_max, command_header_bytes, command_types } from '../../../src/stream/constants.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import {
  arbitrary_cuts,
  arbitrary_stream,
  cut,
  end_command,
  subvolCommand,
  writeDataCommand,
} from './sample_stream.js';

const corrupt = expect.objectContaining({ code: 'CorruptData' });

/** Pushes pieces as a socket would: the buffer is used again afterwards. */
function readAll(pieces: readonly Buffer[]): { bytes: Buffer; start_bytes: number }[] {
  const reader = new CommandReader();
  const commands = [];
  for (const piece of pieces) {
    const reused = Buffer.from(piece);
    for (const command of reader.push(reused)) {
      commands.push({ bytes: Buffer.from(command.bytes), start_bytes: command.start_bytes });
    }
    reused.fill(0xee);
  }
  reader.finish();
  return commands;
}

test('every split of a stream gives the same commands', () => {
  fc.assert(
    fc.property(arbitrary_stream, arbitrary_cuts, (stream, cuts) => {
      const commands = readAll(cut(stream.bytes, cuts));
      expect(commands.map((command) => command.bytes)).toEqual([stream.first, ...stream.commands]);
      for (const { bytes, start_bytes } of commands) {
        expect(stream.bytes.subarray(start_bytes, start_bytes + bytes.length)).toEqual(bytes);
      }
    }),
  );
});

test('byte by byte, and several streams one after the other', () => {
  fc.assert(
    fc.property(arbitrary_stream, arbitrary_stream, (a, b) => {
      const both = Buffer.concat([a.bytes, b.bytes]);
      const single = Array.from(both, (_byte, index) => both.subarray(index, index + 1));
      const commands = readAll(single);
      expect(commands.length).toBe(2 + a.commands.length + b.commands.length);
    }),
    { numRuns: 30 },
  );
});

test('a command inside one buffer is not copied', () => {
  const stream = Buffer.concat([writeStreamHeader(2), subvolCommand('x', 2), end_command]);
  const [first] = [...new CommandReader().push(stream)];
  expect(first?.bytes.buffer).toBe(stream.buffer);
  expect(first?.attributes().size).toBe(3);
});

test('a cut stream is refused at its end, wherever it is cut', () => {
  fc.assert(
    fc.property(arbitrary_stream, fc.nat(), (stream, place) => {
      const reader = new CommandReader();
      const read = [...reader.push(stream.bytes.subarray(0, place % stream.bytes.length))];
      expect(read.every((command) => command.type !== command_types.end)).toBe(true);
      expect(() => reader.finish()).toThrow(corrupt);
    }),
  );
});

test('every flipped bit is found', () => {
  fc.assert(
    fc.property(arbitrary_stream, fc.nat(), fc.integer({ min: 0, max: 7 }), (stream, place, bit) => {
      const changed = Buffer.from(stream.bytes);
      const index = place % changed.length;
      changed[index] = (changed[index] ?? 0) ^ (1 << bit);
      // Version 1 and 2 differ in two bits of one byte, so no single flip turns one into the other.
      expect(() => readAll([changed])).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(CorruptData|StreamVersionNotSupported)$/) }),
      );
    }),
    { numRuns: 300 },
  );
});

test('a claimed length over what a kernel writes is refused before anything is allocated for it', () => {
  for (const version of [1, 2] as const) {
    const header = Buffer.alloc(command_header_bytes);
    header.writeUInt32LE(command_bytes_max[version] - command_header_bytes + 1, 0);
    const reader = new CommandReader();
    expect(() => [...reader.push(Buffer.concat([writeStreamHeader(version), header]))]).toThrow(corrupt);
  }
});

test('the largest commands of both versions are read in pieces', () => {
  for (const version of [1, 2] as const) {
    const data = Buffer.alloc(version === 1 ? 48 * 1024 : 128 * 1024, 'data');
    const command = writeDataCommand('file', data, version);
    const bytes = Buffer.concat([writeStreamHeader(version), command, end_command]);
    expect(readAll(cut(bytes, [5, 20, 29, 30, 31, 5_000, 60_000])).map(({ bytes }) => bytes)).toEqual([
      command,
      end_command,
    ]);
  }
});

test('a push while commands of the last one are not taken is a mistake that is told', () => {
  const reader = new CommandReader();
  const stream = Buffer.concat([writeStreamHeader(1), subvolCommand('x', 1), end_command]);
  const commands = reader.push(stream);
  commands.next();
  expect(() => reader.push(stream).next()).toThrow(expect.objectContaining({ code: 'Internal' }));
});

const refused = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) }) as Error;

test('what a newer kernel may write is told apart from damage', () => {
  const header_3 = writeStreamHeader(2);
  header_3.writeUInt32LE(3, header_3.length - 4);
  const unsupported: [Buffer, RegExp][] = [
    [header_3, /^the send stream has version 3$/],
    [
      Buffer.concat([writeStreamHeader(2), writeCommand(command_types.enable_verity, [], 2)]),
      /^the enable_verity command at byte 17 belongs to stream version 3; the stream says 2$/,
    ],
    [
      Buffer.concat([writeStreamHeader(1), writeCommand(command_types.encoded_write, [], 1)]),
      /^the encoded_write command at byte 17 belongs to stream version 2; the stream says 1$/,
    ],
    [Buffer.concat([writeStreamHeader(2), writeCommand(27, [], 2)]), /^the type 27 command .* is unknown$/],
    [Buffer.concat([writeStreamHeader(2), writeCommand(0, [], 2)]), /^the type 0 command .* is unknown$/],
  ];
  for (const [stream, message] of unsupported) {
    const error = refused('StreamVersionNotSupported', message);
    expect(() => [...new CommandReader().push(stream)]).toThrow(error);
  }
  expect(() => new Command(27, 2, 0, Buffer.alloc(10)).name).toThrow('27');
});

test('after an error every call tells it again', () => {
  const reader = new CommandReader();
  const error = refused('CorruptData', /magic/);
  expect(() => [...reader.push(Buffer.alloc(17))]).toThrow(error);
  expect(() => [...reader.push(end_command)]).toThrow(error);
  expect(() => reader.finish()).toThrow(error);
});

/** Reads all of it, and leaves it to the test to say that nothing follows. */
function endOf(bytes: Buffer): () => void {
  const reader = new CommandReader();
  Array.from(reader.push(bytes));
  return () => reader.finish();
}

test('where a stream ends too early, and what it ends with, is told', () => {
  const whole = Buffer.concat([writeStreamHeader(2), subvolCommand('x', 2), end_command]);
  expect(endOf(whole)).not.toThrow();
  const faults: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /^the stream is cut off after 0 bytes, in its header$/],
    [whole.subarray(0, 12), /^the stream is cut off after 12 bytes, in its header$/],
    [whole.subarray(0, 17), /after 17 bytes, between two commands: its END command is missing$/],
    [whole.subarray(0, 40), /after 40 bytes, in the command at byte 17: its END command is missing$/],
    [whole.subarray(0, -10), /between two commands after a subvol command: its END command is missing$/],
    [Buffer.concat([whole, Buffer.alloc(5)]), /^5 bytes follow the END command and are no stream$/],
  ];
  for (const [bytes, message] of faults) {
    expect(endOf(bytes)).toThrow(refused('CorruptData', message));
  }
});

test('the CRC of some types can be left to who takes them; that of all others counts', () => {
  const unchecked_types = new Set([command_types.write]);
  const data = writeDataCommand('file', Buffer.from('data'), 2);
  data.writeUInt8(data.readUInt8(data.length - 1) ^ 1, data.length - 1);
  const head = Buffer.concat([writeStreamHeader(2), subvolCommand('x', 2)]);
  const read = (bytes: Buffer): Command[] => [...new CommandReader({ unchecked_types }).push(bytes)];
  expect(read(Buffer.concat([head, data])).map(({ name }) => name)).toEqual(['subvol', 'write']);
  expect(() => [...new CommandReader().push(Buffer.concat([head, data]))]).toThrow(/write command .* CRC/);
  head.writeUInt8(head.readUInt8(head.length - 1) ^ 1, head.length - 1);
  expect(() => read(head)).toThrow(/subvol command .* CRC/);
});
