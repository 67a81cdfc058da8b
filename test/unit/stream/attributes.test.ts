import { expect, test } from 'vitest';
import { readAttributes, uint64Attribute, uuidAttribute } from '../../../src/stream/attributes.js';
import { attribute_types, command_header_bytes } from '../../../src/stream/constants.js';
import {
  sample_clone_uuid,
  sample_uuid,
  snapshotCommand,
  uint64,
  writeDataCommand,
} from './sample_stream.js';

const corrupt = expect.objectContaining({ code: 'CorruptData' });

test('attributes are read in any version', () => {
  for (const version of [1, 2] as const) {
    const attributes = readAttributes(
      snapshotCommand('a name', version).subarray(command_header_bytes),
      version,
    );
    expect(attributes.get(attribute_types.path)?.toString()).toBe('a name');
    expect(uuidAttribute(attributes, attribute_types.uuid)).toBe(sample_uuid);
    expect(uuidAttribute(attributes, attribute_types.clone_uuid)).toBe(sample_clone_uuid);
    expect(uint64Attribute(attributes, attribute_types.ctransid)).toBe(42n);
  }
});

test('DATA has a length in version 1 only', () => {
  const data = Buffer.from('some data');
  for (const version of [1, 2] as const) {
    const command = writeDataCommand('f', data, version);
    expect(command.length).toBe(command_header_bytes + 5 + 12 + (version === 1 ? 4 : 2) + data.length);
    const attributes = readAttributes(command.subarray(command_header_bytes), version);
    expect(attributes.get(attribute_types.data)).toEqual(data);
  }
});

test('an attribute that is cut off, too long, double, missing or of a wrong size is refused', () => {
  const payload = snapshotCommand('name', 1).subarray(command_header_bytes);
  for (const end of [1, 3, 5, payload.length - 1]) {
    expect(() => readAttributes(payload.subarray(0, end), 1)).toThrow(corrupt);
  }
  expect(() => readAttributes(Buffer.concat([payload, payload]), 1)).toThrow(corrupt);
  expect(() => uint64Attribute(new Map(), attribute_types.size)).toThrow(corrupt);
  expect(() => uuidAttribute(new Map([[attribute_types.uuid, uint64(1)]]), attribute_types.uuid)).toThrow(
    corrupt,
  );
});
