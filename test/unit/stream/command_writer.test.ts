import { expect, test } from 'vitest';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_bytes_max, command_types } from '../../../src/stream/constants.js';

const { data, path } = attribute_types;
const refused = expect.objectContaining({ code: 'InvalidArgument', operation: 'write send stream' }) as Error;

test('what no reader would take is not written', () => {
  const { write } = command_types;
  const long = Buffer.alloc(0x1_0000);
  expect(() => writeCommand(write, [[path, long]], 2)).toThrow(refused);
  expect(() => writeCommand(write, [[data, long]], 1)).toThrow(refused);
  expect(() => writeCommand(write, [[data, Buffer.alloc(command_bytes_max[2])]], 2)).toThrow(refused);
  const data_first = [
    [data, Buffer.alloc(1)],
    [path, Buffer.alloc(1)],
  ] as const;
  expect(() => writeCommand(write, data_first, 2)).toThrow(refused);
  expect(writeCommand(write, data_first, 1).length).toBe(10 + 2 * 5);
});

test('from version 2 on the data has no length, and may be longer than 64 KiB', () => {
  const bytes = writeCommand(command_types.write, [[data, Buffer.alloc(0x2_0000, 7)]], 2);
  expect(bytes.length).toBe(10 + 2 + 0x2_0000);
});
