import { expect, test } from 'vitest';
import { commandCrc, hasValidCrc } from '../../../src/stream/crc.js';
import { end_command, subvolCommand } from './sample_stream.js';

test('the CRC of an empty END is the measured one', () => {
  expect(commandCrc(end_command)).toBe(0x9dc9_6c50);
  expect(hasValidCrc(end_command)).toBe(true);
});

test('the field of the CRC itself does not count, every other bit does', () => {
  const command = subvolCommand('name', 1);
  expect(hasValidCrc(command)).toBe(true);
  for (let index = 0; index < command.length; index += 1) {
    const changed = Buffer.from(command);
    changed[index] = (changed[index] ?? 0) ^ 0x10;
    expect(hasValidCrc(changed)).toBe(false);
    const in_crc_field = index >= 6 && index < 10;
    expect(commandCrc(changed) === commandCrc(command)).toBe(in_crc_field);
  }
});

test('computing it leaves the bytes as they are', () => {
  const command = subvolCommand('name', 2);
  const before = Buffer.from(command);
  commandCrc(command);
  expect(command).toEqual(before);
});
