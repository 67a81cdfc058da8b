/** Where our reader and `btrfs receive` agree on odd streams, and where it is stricter: docs/decisions/0004. */
import { execa } from 'execa';
import { expect, test } from 'vitest';
import type { StreamVersion } from '../../../src/core/codecs.js';
import { CommandReader } from '../../../src/stream/command_reader.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import { decodeCommand } from '../../../src/stream/decode_command.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import { end_command, subvolCommand, uint64 } from '../../unit/stream/sample_stream.js';

const { path, uuid, fileattr } = attribute_types;
const a = [path, Buffer.from('a')] as const;

function unlinkWith(...attributes: readonly (readonly [number, Buffer])[]): Buffer {
  return writeCommand(command_types.unlink, attributes, 2);
}

/** What our reader says: `parsed`, or the code of its error. */
function read(stream: Buffer): string {
  try {
    const reader = new CommandReader();
    for (const command of reader.push(stream)) decodeCommand(command);
    reader.finish();
    return 'parsed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test.each<[what: string, command: Buffer, of_btrfs: RegExp, ours: string, version?: StreamVersion]>([
  ['an attribute without use', unlinkWith([uuid, Buffer.alloc(1)], a), /^unlink +\.\/vm\/a$/m, 'parsed'],
  ['attribute 35', unlinkWith(a, [35, Buffer.alloc(1)]), /^unlink +\.\/vm\/a$/m, 'parsed'],
  ['attribute 36', unlinkWith(a, [36, Buffer.alloc(1)]), /invalid tlv/, 'StreamVersionNotSupported'],
  ['attribute 0', unlinkWith(a, [0, Buffer.alloc(1)]), /invalid tlv/, 'CorruptData'],
  ['an attribute twice', unlinkWith(a, [path, Buffer.from('b')]), /^unlink +\.\/vm\/b$/m, 'CorruptData'],
  ['an unknown command', writeCommand(27, [a], 2), /^subvol.*\n$/, 'StreamVersionNotSupported'],
  [
    'a command of version 2 in version 1',
    writeCommand(command_types.fileattr, [a, [fileattr, uint64(1)]], 1),
    /^fileattr +\.\/vm\/a/m,
    'StreamVersionNotSupported',
    1,
  ],
])('%s', async (_what, command, of_btrfs, ours, version = 2) => {
  const stream = Buffer.concat([
    writeStreamHeader(version),
    subvolCommand('vm', version),
    command,
    end_command,
  ]);
  const options = { input: stream, reject: false, stripFinalNewline: false } as const;
  const { stdout, stderr } = await execa('btrfs', ['receive', '--dump'], options);
  expect(stdout + stderr).toMatch(of_btrfs);
  expect(read(stream)).toBe(ours);
});
