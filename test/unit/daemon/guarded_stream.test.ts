import { describe, expect, test } from 'vitest';
import { GuardedStream } from '../../../src/daemon/effects/guarded_stream.js';
import { attribute_types, command_types } from '../../../src/stream/constants.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';

const uuid = '01234567-89ab-4cde-8f01-23456789abcd';
const uuid_bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
const end = writeCommand(command_types.end, [], 1);

/** A whole stream of version 1 that makes an empty subvolume. */
function emptySubvolume(): Buffer {
  const attributes = [
    [attribute_types.path, Buffer.from('1')],
    [attribute_types.uuid, uuid_bytes],
    [attribute_types.ctransid, Buffer.alloc(8, 1)],
  ] as const;
  const subvolume = writeCommand(command_types.subvol, attributes, 1);
  return Buffer.concat([writeStreamHeader(1), subvolume, end]);
}

describe('what stands between the link and btrfs receive', () => {
  test('gives the hidden name, and withholds END until the end', () => {
    const stream = new GuardedStream({ name: '.icbdrep-1-abcd.1', uuid });
    const passed = Buffer.concat(stream.push(emptySubvolume()));
    expect(passed.includes('.icbdrep-1-abcd.1')).toBe(true);
    expect(passed.includes(end)).toBe(false);
    expect(Buffer.concat(stream.finish())).toEqual(end);
  });

  test('refuses a stream of another snapshot before a byte of it has passed', () => {
    const other = uuid.replace('0', 'f');
    const stream = new GuardedStream({ name: '.icbdrep-1-abcd.1', uuid: other });
    expect(() => stream.push(emptySubvolume())).toThrow(
      expect.objectContaining({ code: 'CorruptData', retryable: false }) as Error,
    );
  });

  test('refuses what is no send stream, and one that was cut', () => {
    const garbage = new GuardedStream({ name: '.icbdrep-1-abcd.1', uuid });
    expect(() => garbage.push(Buffer.alloc(100, 7))).toThrow(
      expect.objectContaining({ code: 'CorruptData' }) as Error,
    );
    const cut = new GuardedStream({ name: '.icbdrep-1-abcd.1', uuid });
    cut.push(emptySubvolume().subarray(0, -3));
    expect(() => cut.finish()).toThrow(expect.objectContaining({ code: 'CorruptData' }) as Error);
  });
});
