import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandReader } from '../../../src/stream/command_reader.js';
import { writeCommand } from '../../../src/stream/command_writer.js';
import { attribute_types, command_types, stream_header_bytes } from '../../../src/stream/constants.js';
import { HeadRewriter } from '../../support/head_rewriter.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import * as sample from '../stream/sample_stream.js';

const corrupt = expect.objectContaining({ code: 'CorruptData' });
const { arbitrary_cuts, arbitrary_stream, cut } = sample;

test('every split gives the same stream with the new name, and nothing else changed', () => {
  fc.assert(
    fc.property(arbitrary_stream, arbitrary_cuts, (stream, cuts) => {
      const rewriter = new HeadRewriter('.icbdrep-new name');
      const output = Buffer.concat(cut(stream.bytes, cuts).flatMap((piece) => rewriter.push(piece)));
      rewriter.finish();
      const [first, ...others] = [...new CommandReader().push(output)];
      expect(others.map((command) => command.bytes)).toEqual(stream.commands);
      const attributes = first?.attributes();
      expect(attributes?.get(attribute_types.path)?.toString()).toBe('.icbdrep-new name');
      expect(rewriter.head?.path).toBe(stream.path);
      expect(rewriter.head).toMatchObject({
        version: stream.version,
        uuid: sample.sample_uuid,
        ctransid: 42n,
      });

      const back = new HeadRewriter('original');
      const forth = new HeadRewriter('original');
      expect(Buffer.concat(back.push(output))).toEqual(Buffer.concat(forth.push(stream.bytes)));
    }),
  );
});

test('it tells what the first command said', () => {
  const full = new HeadRewriter('n');
  full.push(Buffer.concat([writeStreamHeader(1), sample.subvolCommand('../../etc', 1)]));
  expect(full.head).toEqual({
    version: 1,
    kind: 'full',
    path: '../../etc',
    uuid: sample.sample_uuid,
    ctransid: 42n,
    clone_uuid: '',
  });
  const incremental = new HeadRewriter('n');
  incremental.push(Buffer.concat([writeStreamHeader(2), sample.snapshotCommand('7', 2)]));
  expect(incremental.head).toMatchObject({
    version: 2,
    kind: 'incremental',
    clone_uuid: sample.sample_clone_uuid,
  });
});

test('what follows the first command is passed on uncopied', () => {
  const rewriter = new HeadRewriter('n');
  const rest = Buffer.alloc(1000, 1);
  const start = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1), rest]);
  expect(rewriter.push(start).at(-1)?.buffer).toBe(start.buffer);
  const [passed] = rewriter.push(rest);
  expect(passed).toBe(rest);
});

test('a stream that ends inside its first command is refused', () => {
  const whole = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1)]);
  for (let end = 0; end < whole.length; end += 1) {
    const rewriter = new HeadRewriter('n');
    expect(rewriter.push(whole.subarray(0, end))).toEqual([]);
    expect(rewriter.head).toBeUndefined();
    expect(() => rewriter.finish()).toThrow(corrupt);
  }
});

test('what is no stream, or does not start with SUBVOL or SNAPSHOT, is refused', () => {
  const refusals: [Buffer, unknown][] = [
    [Buffer.from('not a stream at all, just text'), corrupt],
    [Buffer.concat([writeStreamHeader(1), sample.end_command]), corrupt],
    [Buffer.concat([writeStreamHeader(1), sample.writeDataCommand('f', Buffer.from('x'), 1)]), corrupt],
    [Buffer.concat([writeStreamHeader(1), Buffer.alloc(10, 0xff)]), corrupt],
    [Buffer.concat([writeStreamHeader(1), writeCommand(command_types.subvol, [], 1)]), corrupt],
  ];
  const version_3 = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1)]);
  version_3[stream_header_bytes - 4] = 3;
  refusals.push([version_3, expect.objectContaining({ code: 'StreamVersionNotSupported' })]);
  for (const [bytes, error] of refusals) expect(() => new HeadRewriter('n').push(bytes)).toThrow(error);
});

test('every flipped bit of the first command is found', () => {
  const whole = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1)]);
  for (let index = 0; index < whole.length; index += 1) {
    const changed = Buffer.from(whole);
    changed[index] = (changed[index] ?? 0) ^ 4;
    const pushThenEnd = (): void => {
      const rewriter = new HeadRewriter('n');
      rewriter.push(changed);
      rewriter.finish();
    };
    expect(pushThenEnd).toThrow(expect.objectContaining({ name: 'IcbdError' }));
  }
});

test('a name that is not one path component is refused', () => {
  for (const name of ['', '.', '..', 'a/b', '/a', 'a\0', 'x'.repeat(256)]) {
    expect(() => new HeadRewriter(name)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  }
});
