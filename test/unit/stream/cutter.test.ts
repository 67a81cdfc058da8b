import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamVersion } from '../../../src/core/codecs.js';
import type { Command } from '../../../src/stream/command_reader.js';
import { attribute_types } from '../../../src/stream/constants.js';
import {
  Cutter,
  type CutterOptions,
  type CutterOutput,
  type CutterStart,
} from '../../../src/stream/cutter.js';
import { bytesAttribute, uint64Attribute, uuidAttribute } from '../../../src/stream/attributes.js';
import { segmentNamePrefix } from '../../../src/stream/segment.js';
import { writeStreamHeader } from '../../../src/stream/stream_header.js';
import * as sample from './sample_stream.js';
import { cloneCommand, originalOf, rejoin, segmentsOf } from './segments.js';

const corrupt = expect.objectContaining({ code: 'CorruptData' });
const names = { seed: 'seed1', run: 1 };

/** One stream of one or more subvolumes, with WRITEs and CLONEs from itself and from elsewhere. */
const arbitrary_stream = fc
  .record({
    version: fc.constantFrom<StreamVersion>(1, 2),
    subvolumes: fc.array(
      fc.record({
        full: fc.boolean(),
        commands: fc.array(
          fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('own clone', 'other clone')),
          { maxLength: 8 },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ version, subvolumes }) => {
    const commands = subvolumes.flatMap(({ full, commands: inner }, index) => [
      full ? sample.subvolCommand(`v${index}`, version) : sample.snapshotCommand(`v${index}`, version),
      ...inner.map((what) => {
        if (what === 'own clone') return cloneCommand(sample.sample_uuid, version);
        if (what === 'other clone') return cloneCommand(sample.sample_clone_uuid, version);
        return sample.writeDataCommand('file', Buffer.from(what as Uint8Array), version);
      }),
    ]);
    return Buffer.concat([writeStreamHeader(version), ...commands, sample.end_command]);
  });

/** One or more streams. */
const arbitrary_input = fc
  .array(arbitrary_stream, { minLength: 1, maxLength: 3 })
  .map((all) => Buffer.concat(all));

/** All that a cutter gives out; the data are copied as a pipe would, since the buffers are used again. */
function cutAll(input: Buffer, places: readonly number[], options: CutterOptions): CutterOutput[] {
  const cutter = new Cutter(options);
  const outputs: CutterOutput[] = [];
  for (const piece of sample.cut(input.subarray(options.start?.offset_bytes ?? 0), places)) {
    const reused = Buffer.from(piece);
    for (const output of cutter.push(reused)) {
      outputs.push(output.kind === 'data' ? { kind: 'data', bytes: Buffer.from(output.bytes) } : output);
    }
    reused.fill(0xee);
  }
  cutter.finish();
  expect(cutter.offset_bytes).toBe(input.length);
  return outputs;
}

test('the segments of any input hold its commands, in any pieces and of any size', () => {
  fc.assert(
    fc.property(
      arbitrary_input,
      sample.arbitrary_cuts,
      fc.integer({ min: 1, max: 2000 }),
      (input, cuts, size) => {
        const segments = segmentsOf(cutAll(input, cuts, { ...names, segment_bytes: size }));
        expect(rejoin(segments)).toEqual(originalOf(input));
      },
    ),
  );
});

test('each segment is a snapshot of the one before, and the last one has the own uuid and ctransid', () => {
  fc.assert(
    fc.property(arbitrary_input, fc.integer({ min: 1, max: 1000 }), (input, size) => {
      const segments = segmentsOf(cutAll(input, [], { ...names, segment_bytes: size }));
      expect(new Set(segments.map(({ name }) => name)).size).toBe(segments.length);
      for (const [place, segment] of segments.entries()) {
        const head = segment.commands[0]?.attributes() ?? new Map();
        expect(bytesAttribute(head, attribute_types.path).toString()).toBe(segment.name);
        expect(segment.name.startsWith(segmentNamePrefix('seed1'))).toBe(true);
        expect(uuidAttribute(head, attribute_types.uuid)).toBe(segment.uuid);
        expect(segment.uuid === sample.sample_uuid).toBe(segment.is_final);
        expect(uint64Attribute(head, attribute_types.ctransid)).toBe(42n);
        if (segment.index === 0) continue;
        expect(uuidAttribute(head, attribute_types.clone_uuid)).toBe(segments[place - 1]?.uuid);
      }
    }),
  );
});

/** Where a later run goes on after the n-th output, as its owner would remember it. */
function startAfter(outputs: readonly CutterOutput[], place: number, input: Buffer): CutterStart {
  let ordinal = 0;
  let head: { version: StreamVersion; uuid: string; ctransid: bigint } | undefined;
  let start: CutterStart = { offset_bytes: 0, ordinal: 0 };
  for (const output of outputs.slice(0, place)) {
    if (output.kind === 'subvolume') ({ head } = output);
    if (head === undefined) continue;
    const { version } = head;
    if (output.kind === 'close' && !output.segment.is_final) {
      const { index, uuid } = output.segment;
      start = { offset_bytes: output.offset_bytes, ordinal, version, within: { head, index, uuid } };
    } else if (output.kind === 'sealed') {
      ordinal += 1;
      start = { offset_bytes: output.offset_bytes, ordinal, ...(output.is_stream_end ? {} : { version }) };
    }
  }
  expect(start.offset_bytes).toBeLessThanOrEqual(input.length);
  return start;
}

test('a run that goes on at any checkpoint makes what is missing, and nothing twice', () => {
  fc.assert(
    fc.property(
      arbitrary_input,
      sample.arbitrary_cuts,
      fc.integer({ min: 1, max: 1500 }),
      fc.nat(),
      (input, cuts, size, stop) => {
        const first = cutAll(input, cuts, { ...names, segment_bytes: size });
        const start = startAfter(first, stop % (first.length + 1), input);
        const kept = segmentsOf(first).filter(
          ({ offset_bytes = 0, is_final }) =>
            offset_bytes < start.offset_bytes || (offset_bytes === start.offset_bytes && !is_final),
        );
        const second = segmentsOf(cutAll(input, cuts, { seed: 'seed1', run: 2, segment_bytes: size, start }));
        const kept_data = kept.filter(({ is_final }) => !is_final);
        expect(rejoin([...kept_data, ...second])).toEqual(originalOf(input));
        const taken = new Set(kept_data.map(({ uuid }) => uuid));
        expect(second.filter(({ uuid }) => taken.has(uuid))).toEqual([]);
      },
    ),
  );
});

test('a cut by request closes what is open, once, and the next command opens again', () => {
  const cutter = new Cutter({ ...names, segment_bytes: 1_000_000 });
  expect([...cutter.cut()]).toEqual([]);
  const write = sample.writeDataCommand('f', Buffer.from('data'), 1);
  const start = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1), write]);
  expect([...cutter.push(start)].map(({ kind }) => kind)).toEqual(['subvolume', 'open', 'data', 'data']);
  expect([...cutter.cut()].map(({ kind }) => kind)).toEqual(['data', 'close']);
  expect([...cutter.cut()]).toEqual([]);
  expect([...cutter.push(write)].map(({ kind }) => kind)).toEqual(['open', 'data', 'data']);
  const end = [...cutter.push(sample.end_command)];
  expect(end.map(({ kind }) => kind)).toEqual(['data', 'close', 'open', 'data', 'data', 'close', 'sealed']);
  expect(end.at(-1)).toEqual({
    kind: 'sealed',
    offset_bytes: start.length + write.length + sample.end_command.length,
    is_stream_end: true,
  });
});

test('commands that follow each other in one buffer are given out as one view of it', () => {
  const cutter = new Cutter({ ...names, segment_bytes: 1_000_000 });
  const head = Buffer.concat([writeStreamHeader(2), sample.subvolCommand('x', 2)]);
  const writes = [1, 2, 3].map((value) => sample.writeDataCommand('f', Buffer.alloc(5000, value), 2));
  const clone = cloneCommand(sample.sample_uuid, 2);
  const input = Buffer.concat([head, ...writes, clone, ...writes]);
  const data = [...cutter.push(input)].filter((output) => output.kind === 'data').slice(1);
  expect(data.map(({ bytes }) => bytes.buffer === input.buffer)).toEqual([true, false, true]);
  expect(Buffer.concat(data.map(({ bytes }) => bytes)).length).toBe(input.length - head.length);
});

test('each command is looked at before any of it is given out, and where it is in the input', () => {
  const write = sample.writeDataCommand('f', Buffer.from('data'), 1);
  const input = Buffer.concat([writeStreamHeader(1), sample.subvolCommand('x', 1), write, write]);
  const outputs = cutAll(Buffer.concat([input, sample.end_command]), [], {
    ...names,
    segment_bytes: write.length + 1,
  });
  const start = startAfter(outputs, outputs.findIndex(({ kind }) => kind === 'close') + 1, input);
  expect(start.offset_bytes).toBe(input.length - write.length);
  const seen: [string, number][] = [];
  const check = (command: Command, start_bytes: number): void => {
    seen.push([command.name, start_bytes]);
    if (command.name === 'end') throw new Error('no end');
  };
  const cutter = new Cutter({ ...names, segment_bytes: 1_000, start, check });
  const rest = Buffer.concat([write, sample.end_command]);
  const given: CutterOutput[] = [];
  expect(() => {
    for (const output of cutter.push(rest)) given.push(output);
  }).toThrow('no end');
  expect(seen).toEqual([
    ['write', start.offset_bytes],
    ['end', input.length],
  ]);
  expect(given.map(({ kind }) => kind)).toEqual(['open', 'data', 'data']);
});

test('what is no stream of subvolumes is refused', () => {
  const options = { ...names, segment_bytes: 100 };
  const write = sample.writeDataCommand('f', Buffer.from('data'), 1);
  const refused = [
    [writeStreamHeader(1), write],
    [writeStreamHeader(1), sample.end_command],
    [Buffer.from('this is no btrfs stream')],
  ];
  for (const parts of refused) {
    expect(() => [...new Cutter(options).push(Buffer.concat(parts))]).toThrow(corrupt);
  }
  for (const parts of [[], [writeStreamHeader(1), sample.subvolCommand('x', 1), write]]) {
    const cutter = new Cutter(options);
    expect([...cutter.push(Buffer.concat(parts))].some(({ kind }) => kind === 'sealed')).toBe(false);
    expect(() => cutter.finish()).toThrow(corrupt);
  }
  expect(() => segmentNamePrefix('a/b')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
});
