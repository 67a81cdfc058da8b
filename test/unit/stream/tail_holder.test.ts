import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TailHolder } from '../../../src/stream/tail_holder.js';
import { arbitrary_cuts, arbitrary_stream, cut, end_command } from './sample_stream.js';

const corrupt = expect.objectContaining({ code: 'CorruptData' });

test('every split passes all but END, and never one byte of END before the end', () => {
  fc.assert(
    fc.property(arbitrary_stream, arbitrary_cuts, (stream, cuts) => {
      const holder = new TailHolder();
      const passed = Buffer.concat(cut(stream.bytes, cuts).flatMap((piece) => holder.push(piece)));
      expect(passed).toEqual(stream.bytes.subarray(0, -end_command.length));
      expect(holder.finish()).toEqual(end_command);
    }),
  );
});

test('at every moment exactly the last 10 bytes are held', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), arbitrary_cuts, (bytes, cuts) => {
      const holder = new TailHolder();
      let pushed = 0;
      let passed = 0;
      for (const piece of cut(Buffer.from(bytes), cuts)) {
        pushed += piece.length;
        for (const part of holder.push(piece)) {
          expect(part.length).toBeGreaterThan(0);
          passed += part.length;
        }
        expect(passed).toBe(Math.max(0, pushed - 10));
      }
    }),
  );
});

test('large pieces pass as views, and what is held is independent of them', () => {
  const holder = new TailHolder();
  const piece = Buffer.concat([Buffer.alloc(100_000, 1), end_command]);
  const [passed] = holder.push(piece);
  expect(passed?.buffer).toBe(piece.buffer);
  piece.fill(0);
  expect(holder.finish()).toEqual(end_command);
});

test('a stream that does not end with a whole and valid END is refused', () => {
  fc.assert(
    fc.property(arbitrary_stream, fc.integer({ min: 1, max: 60 }), (stream, missing) => {
      const holder = new TailHolder();
      holder.push(stream.bytes.subarray(0, -missing));
      expect(() => holder.finish()).toThrow(corrupt);
    }),
  );
  for (let index = 0; index < end_command.length; index += 1) {
    const changed = Buffer.from(end_command);
    changed[index] = (changed[index] ?? 0) ^ 1;
    const holder = new TailHolder();
    holder.push(changed);
    expect(() => holder.finish()).toThrow(corrupt);
  }
  expect(() => new TailHolder().finish()).toThrow(corrupt);
});
