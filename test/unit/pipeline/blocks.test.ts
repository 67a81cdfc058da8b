import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { BlockReader } from '../../../src/pipeline/blocks.js';
import { startChild } from '../../../src/pipeline/child.js';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { Meter } from '../../../src/pipeline/meter.js';

/** Deterministic bytes that compress badly; 30 MB. */
const script = 'seq 1 4000000';

function startSeq() {
  return startChild({ program: 'sh', args: ['-c', script], stdin: 'none', stdout: 'pipe' });
}

it('gives the bytes of a process in order, in blocks of about the size asked for', async () => {
  const { stdout } = startSeq();
  const digest = createHash('sha256');
  const sizes: number[] = [];
  for await (const block of stdout ?? []) {
    digest.update(block);
    sizes.push(block.length);
    stdout?.recycle(block);
  }
  const expected = createHash('sha256');
  for (let from = 1; from <= 4_000_000; from += 10_000) {
    expected.update(Array.from({ length: 10_000 }, (_, index) => `${from + index}\n`).join(''));
  }
  expect(digest.digest('hex')).toBe(expected.digest('hex'));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
  expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(900 * 1024);
});

it('does the same from a stream', async () => {
  const parts: Buffer[] = [];
  const reader = BlockReader.fromStream(createReadStream(process.execPath, { end: 9_999_999 }), 100_000);
  for await (const block of reader) parts.push(block);
  const whole = createHash('sha256');
  for await (const chunk of createReadStream(process.execPath, { end: 9_999_999 }))
    whole.update(chunk as Buffer);
  expect(createHash('sha256').update(Buffer.concat(parts)).digest('hex')).toBe(whole.digest('hex'));
});

it('gives out what a slow source has said', async () => {
  const source = new PassThrough();
  const reader = BlockReader.fromStream(source);
  source.write('slow');
  expect((await reader.next()).value?.toString()).toBe('slow');
  const next = reader.next();
  source.end('end');
  expect((await next).value?.toString()).toBe('end');
  expect((await reader.next()).done).toBe(true);
});

it('keeps every byte of a process that is slow now and then, also when blocks are given back', async () => {
  const text = 'x'.repeat(100);
  const args = ['-c', `for i in 1 2 3 4; do seq 1 50000; echo ${text}; sleep 0.35; done`];
  const child = startChild({ program: 'sh', args, stdin: 'none', stdout: 'pipe' });
  const parts: Buffer[] = [];
  for await (const block of child.stdout ?? []) {
    parts.push(Buffer.from(block));
    child.stdout?.recycle(block.fill(0));
  }
  const part = `${Array.from({ length: 50_000 }, (_, index) => index + 1).join('\n')}\n${text}\n`;
  expect(parts.length).toBeGreaterThan(3);
  expect(Buffer.concat(parts).toString() === part.repeat(4)).toBe(true);
});

it('stops a fast source while nobody takes its blocks', async () => {
  const child = startChild({ program: 'sh', args: ['-c', 'yes'], stdin: 'none', stdout: 'pipe' });
  await child.stdout?.next();
  const before = process.memoryUsage().arrayBuffers;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
  await child.stdout?.return();
  // Nobody reads: the program dies of its broken pipe.
  expect((await child.finished).exit_code).not.toBe(0);
});

it('ends a waiting next when it is destroyed, and passes a failure', async () => {
  const idle = BlockReader.fromStream(new PassThrough());
  const waiting = idle.next();
  idle.destroy();
  expect((await waiting).done).toBe(true);
  const source = new PassThrough();
  const broken = BlockReader.fromStream(source);
  source.destroy(new Error('disk gone'));
  await expect(broken.next()).rejects.toThrow('disk gone');
});

it('uses a block again that was given back, and no other', async () => {
  const { stdout } = startSeq();
  const first = (await stdout?.next())?.value ?? Buffer.alloc(0);
  const memory = first.buffer;
  stdout?.recycle(Buffer.alloc(5));
  stdout?.recycle(first);
  stdout?.recycle(first);
  const later: unknown[] = [];
  for (let round = 0; round < 6; round += 1) later.push((await stdout?.next())?.value?.buffer);
  expect(later.filter((buffer) => buffer === memory)).toHaveLength(1);
  expect(new Set(later).size).toBe(6);
  stdout?.destroy();
});

it('hashes as XXH3-64 does, in pieces as well', () => {
  const empty = new StreamHash();
  // The value of the reference implementation for empty input and seed 0.
  expect(empty.digest()).toBe('2d06800538d394c2');
  const whole = new StreamHash();
  const pieces = new StreamHash();
  const data = Buffer.alloc(100_000, 'xyz');
  whole.update(data);
  for (let offset = 0; offset < data.length; offset += 777)
    pieces.update(data.subarray(offset, offset + 777));
  expect(pieces.digest()).toBe(whole.digest());
  expect(pieces.bytes).toBe(100_000);
});

it('measures bytes, rate over 5 s and idle time', () => {
  let now_ms = 1_000;
  const meter = new Meter({ now: () => now_ms, after: () => () => undefined });
  expect([meter.bytes, meter.rate_bytes_per_s(), meter.idle_ms()]).toEqual([0, 0, 0]);
  for (let second = 0; second < 20; second += 1) {
    for (let part = 0; part < 10; part += 1) {
      now_ms += 100;
      meter.add(second < 10 ? 100 : 300);
    }
  }
  expect(meter.bytes).toBe(10 * 1_000 + 10 * 3_000);
  expect(meter.rate_bytes_per_s()).toBeGreaterThan(2_800);
  expect(meter.rate_bytes_per_s()).toBeLessThan(3_200);
  now_ms += 3_000;
  expect(meter.idle_ms()).toBe(3_000);
  now_ms += 4_000;
  meter.add(0);
  expect(meter.idle_ms()).toBe(7_000);
  expect(meter.rate_bytes_per_s()).toBeLessThan(100);
});
