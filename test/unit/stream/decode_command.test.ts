import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Command, CommandReader } from '../../../src/stream/command_reader.js';
import { attribute_kinds, command_table, commandName } from '../../../src/stream/command_table.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import { decodeCommand } from '../../../src/stream/decode_command.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { arbitraryCommand, command_names, commandsOf, encodeCommand, encodeFields } from './any_command.js';
import { arbitrary_cuts, cut, end_command } from './sample_stream.js';

const corrupt = (message: RegExp): Error =>
  expect.objectContaining({ code: 'CorruptData', message: expect.stringMatching(message) }) as Error;

test('the numbers are those of kernel-shared/send.h: 26 commands, 35 attributes, none left out', () => {
  expect(Object.values(command_types)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
  expect(Object.values(attribute_types)).toEqual(Array.from({ length: 35 }, (_, index) => index + 1));
  expect(Object.keys(command_table).toSorted()).toEqual(Object.keys(command_types).toSorted());
  expect(Object.keys(attribute_kinds)).toEqual(Object.keys(attribute_types));
  expect([commandName(25), commandName(0), commandName(27)]).toEqual(['encoded_write', undefined, undefined]);
});

describe.each(command_names)('%s', (name) => {
  const type = command_types[name];
  const { required, since } = command_table[name];
  const version = since === 1 ? 1 : 2;
  const commandOf = (bytes: Buffer): Command => new Command(type, version, 17, bytes);

  test('any fields, in any order of the attributes, are read as they were written', () => {
    const sample = arbitraryCommand(name).chain((fields) => {
      const attributes = encodeFields(fields);
      const data = attributes.filter(([attribute]) => attribute === attribute_types.data);
      const others = attributes.filter(([attribute]) => attribute !== attribute_types.data);
      return fc
        .shuffledSubarray(others, { minLength: others.length })
        .map((shuffled) => ({ fields, attributes: [...shuffled, ...data] }));
    });
    fc.assert(
      fc.property(sample, ({ fields, attributes }) => {
        const bytes = writeCommand(type, attributes, version);
        expect(decodeCommand(commandOf(bytes))).toEqual(fields);
      }),
      { numRuns: 40 },
    );
  });

  test('attributes that it has no use for are no fault', () => {
    const [fields] = fc.sample(arbitraryCommand(name), 1);
    if (fields === undefined) throw new Error('no sample');
    const others = [attribute_types.otime, attribute_types.uuid].filter(
      (attribute) => !encodeFields(fields).some(([present]) => present === attribute),
    );
    const extra = others.map((attribute): [number, Buffer] => [attribute, Buffer.alloc(3)]);
    const unused = name === 'utimes' ? [] : extra;
    const bytes = writeCommand(type, [...unused, ...encodeFields(fields)], version);
    expect(decodeCommand(commandOf(bytes))).toEqual(fields);
  });

  test('each required attribute is missed, and one of another size is told, with command and offset', () => {
    const [fields] = fc.sample(arbitraryCommand(name), 1);
    if (fields === undefined) throw new Error('no sample');
    const attributes = encodeFields(fields);
    for (const field of required) {
      const wanted = attribute_types[field];
      const without = attributes.filter(([attribute]) => attribute !== wanted);
      expect(() => decodeCommand(commandOf(writeCommand(type, without, version)))).toThrow(
        corrupt(new RegExp(`^the ${name} command at byte 17: .* lacks attribute ${wanted}$`)),
      );
      if (['path', 'text', 'bytes'].includes(attribute_kinds[field])) continue;
      const wrong = attributes.map(([attribute, value]): [number, Buffer] => [
        attribute,
        attribute === wanted ? Buffer.concat([value, Buffer.of(0)]) : value,
      ]);
      expect(() => decodeCommand(commandOf(writeCommand(type, wrong, version)))).toThrow(
        corrupt(new RegExp(`attribute ${wanted} has \\d+ bytes in place of`)),
      );
    }
  });
});

test('a stream of any commands is read as it was written, however the buffers are cut', () => {
  const any_stream = fc.constantFrom<1 | 2>(1, 2).chain((version) =>
    fc
      .array(
        fc.constantFrom(...commandsOf(version).filter((name) => name !== 'end')).chain(arbitraryCommand),
        {
          maxLength: 12,
        },
      )
      .map((commands) => ({ version, commands })),
  );
  fc.assert(
    fc.property(any_stream, arbitrary_cuts, ({ version, commands }, cuts) => {
      const written = commands.map((fields) => encodeCommand(fields, version));
      const stream = Buffer.concat([writeStreamHeader(version), ...written, end_command]);
      const reader = new CommandReader();
      const read = cut(stream, cuts).flatMap((piece) =>
        [...reader.push(piece)].map((command) => decodeCommand(command)),
      );
      reader.finish();
      expect(read).toEqual([...commands, { command: 'end' }]);
    }),
  );
});
