import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameCutter } from '../../../src/transport/frame_reader.js';

const http = Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n');

function frameOf(payload_bytes: number): Buffer {
  const payload = Buffer.alloc(payload_bytes, payload_bytes % 251);
  if (payload_bytes < 126) return Buffer.concat([Buffer.from([0x82, payload_bytes]), payload]);
  const head = Buffer.alloc(payload_bytes < 65_536 ? 4 : 10);
  head[0] = 0x82;
  head[1] = payload_bytes < 65_536 ? 126 : 127;
  if (payload_bytes < 65_536) head.writeUInt16BE(payload_bytes, 2);
  else head.writeBigUInt64BE(BigInt(payload_bytes), 2);
  return Buffer.concat([head, payload]);
}

/** Feeds `stream` as a network would, in reads of the given sizes, and returns the pieces that come out. */
function cut(stream: Buffer, read_sizes: readonly number[], frame_bytes_max = 200_000): Buffer[] {
  const pieces: Buffer[] = [];
  const cutter = new FrameCutter(frame_bytes_max, (piece) => pieces.push(piece) > 0);
  let offset = 0;
  for (let turn = 0; offset < stream.length; turn += 1) {
    const space = cutter.space();
    const size = Math.min(read_sizes[turn % read_sizes.length] ?? 1, space.length, stream.length - offset);
    stream.copy(space, 0, offset, offset + size);
    cutter.filled(size);
    offset += size;
  }
  return pieces;
}

describe('frame reader', () => {
  it('gives each frame whole, whatever the reads and whatever came with the HTTP answer', () => {
    const lengths = fc.array(
      fc.oneof(fc.nat(300), fc.integer({ min: 65_500, max: 66_000 }), fc.nat(150_000)),
      { maxLength: 6 },
    );
    const reads = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 100_000 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(lengths, reads, (payloads, read_sizes) => {
        const frames = payloads.map(frameOf);
        const pieces = cut(Buffer.concat([http, ...frames]), [...read_sizes, 70_000]);
        const body = pieces.slice(pieces.length - frames.length);
        expect(Buffer.concat(pieces.slice(0, pieces.length - frames.length)).equals(http)).toBe(true);
        expect(body.every((piece, index) => piece.equals(frames[index] ?? Buffer.alloc(0)))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('allocates nothing for a frame over the limit, and passes it on as it comes', () => {
    const stream = Buffer.concat([http, frameOf(5_000)]);
    const pieces = cut(stream, [1_000], 4_999);
    expect(Buffer.concat(pieces).equals(stream)).toBe(true);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1_000);
  });

  it('says when its taker has enough', () => {
    const cutter = new FrameCutter(100, () => false);
    http.copy(cutter.space());
    expect(cutter.filled(http.length)).toBe(false);
  });
});

/** A taker that keeps each payload for a while, checks that nobody wrote into it, and gives most of them back. */
function checkedTaker(keep_frames: number, gives_back: (index: number) => boolean) {
  const kept: { payload: Buffer; value: number; index: number }[] = [];
  const memories: ArrayBufferLike[] = [];
  let count = 0;
  const release = (): void => {
    const oldest = kept.shift();
    if (oldest === undefined) return;
    const { payload, value, index } = oldest;
    expect(payload.every((byte) => byte === value)).toBe(true);
    if (!gives_back(index)) return;
    cutter.recycle(payload);
    cutter.recycle(payload);
  };
  const cutter = new FrameCutter(2 * 1024 * 1024, (piece) => {
    if (piece.length < 1_000) return true;
    const payload = piece.subarray(10);
    kept.push({ payload, value: payload[0] ?? -1, index: count });
    memories.push(payload.buffer);
    count += 1;
    if (kept.length > keep_frames) release();
    return true;
  });
  const finish = (): number => {
    while (kept.length > 0) release();
    return count;
  };
  return { cutter, memories, finish };
}

function largeFrame(value: number, bytes: number): Buffer {
  const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes, 6);
  return Buffer.concat([head, Buffer.alloc(bytes, value)]);
}

function feed(cutter: FrameCutter, stream: Buffer, read_bytes: number): void {
  for (let offset = 0; offset < stream.length; ) {
    const size = stream.copy(cutter.space(), 0, offset, Math.min(stream.length, offset + read_bytes));
    cutter.filled(size);
    offset += size;
  }
}

describe('memory of frames', () => {
  it('is used again when it is given back, and never while somebody looks at it', () => {
    const bytes = fc.integer({ min: 200_000, max: 1_100_000 });
    fc.assert(
      fc.property(
        fc.array(bytes, { minLength: 1, maxLength: 25 }),
        fc.nat(6),
        fc.nat(3),
        (sizes, keep, lost) => {
          const { cutter, finish } = checkedTaker(keep, (index) => index % 4 >= lost);
          feed(cutter, http, http.length);
          for (const [index, size] of sizes.entries()) feed(cutter, largeFrame(1 + index, size), 300_000);
          expect(finish()).toBe(sizes.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is that of a few frames for a stream of many', () => {
    const { cutter, memories, finish } = checkedTaker(4, () => true);
    feed(cutter, http, http.length);
    for (let index = 0; index < 60; index += 1) feed(cutter, largeFrame(index, 1024 * 1024 - index), 500_000);
    expect(finish()).toBe(60);
    expect(memories).toHaveLength(60);
    expect(new Set(memories).size).toBeLessThanOrEqual(6);
  });

  it('is not taken from elsewhere', () => {
    const { cutter, memories } = checkedTaker(0, () => true);
    const foreign = Buffer.alloc(1024 * 1024 + 4096, 9);
    cutter.recycle(foreign);
    feed(cutter, http, http.length);
    feed(cutter, largeFrame(1, 1024 * 1024), 500_000);
    expect(memories[0]).not.toBe(foreign.buffer);
    expect(foreign.every((byte) => byte === 9)).toBe(true);
  });
});
