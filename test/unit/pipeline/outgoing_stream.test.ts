import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Codec, codec_names } from '../../../src/core/codecs.js';
import { type StreamPlace, proof_grid_bytes as mib, stream_start } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { OutgoingStream } from '../../../src/pipeline/outgoing_stream.js';
import { ProofHash } from '../../../src/pipeline/proof_hash.js';
import { MemoryLink } from './memory_link.js';
import { TestChildren, clock, failureOf, lost, placeAt, takeAll } from './outgoing_support.js';

const never = new AbortController().signal;
const window_bytes = 16 * mib;
const children = new TestChildren();
let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-outgoing-'));
  file = join(directory, 'stream');
});

afterEach(async () => {
  rmSync(directory, { recursive: true, force: true });
  await children.check();
});

const open = (script: string): OutgoingStream => new OutgoingStream({ child: children.shell(script), clock });

const sendTo = (
  stream: OutgoingStream,
  link: MemoryLink,
  from_bytes = 0,
  codec: Codec = 'none',
  signal = never,
) => stream.sendTo({ sink: link.sink, codec, from_bytes, meter: new Meter(clock, from_bytes), signal });

const skip = (stream: OutgoingStream, place: StreamPlace, { signal = never, link = new MemoryLink() } = {}) =>
  stream.skipTo(place, { sink: link.sink, meter: new Meter(clock), signal, onSkipped: () => undefined });

/** A receiver that takes everything, and says so. */
const takeAndTell = (link: MemoryLink, from_bytes = 0, codec: Codec = 'none') =>
  takeAll(link, codec, (bytes) => link.source.taken(from_bytes + bytes));

describe.each(codec_names)('with codec %s', (codec) => {
  it('sends a whole stream, with the proof of it', async () => {
    const data = Buffer.concat([randomBytes(7_000_000), Buffer.alloc(8_000_001, randomBytes(997))]);
    writeFileSync(file, data);
    const link = new MemoryLink(2);
    const stream = open(`cat '${file}'`);
    const [trailer, taken] = await Promise.all([sendTo(stream, link, 0, codec), takeAndTell(link, 0, codec)]);
    const hash = new ProofHash();
    hash.update(data);
    expect(trailer).toEqual({ stream_bytes: data.length, hash: hash.digest() });
    expect(link.source.trailer).toEqual(trailer);
    expect(taken.data.equals(data)).toBe(true);
    expect(stream.retained_bytes).toBe(0);
  });

  it('ends when the signal aborts while the link is full', async () => {
    const link = new MemoryLink(1);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new IcbdError('Cancelled', 'by hand', { operation: 'test' })), 50);
    const error = await failureOf(sendTo(open('exec cat /dev/urandom'), link, 0, codec, controller.signal));
    expect(error).toMatchObject({ code: 'Cancelled', message: 'by hand' });
    expect(link.sink_aborted).toMatchObject({ code: 'Cancelled' });
  });

  it('notices that a link is lost while its child is silent, and goes on over the next', async () => {
    const data = randomBytes(3 * mib);
    writeFileSync(file, data);
    const stream = open(`head -c 2500000 '${file}'; sleep 0.5; tail -c +2500001 '${file}'`);
    const first = new MemoryLink();
    const loseWhileSilent = async (): Promise<void> => {
      while (stream.read_bytes < 2_500_000) await sleep(10);
      first.fail(lost);
    };
    const [error, half] = await Promise.all([
      failureOf(sendTo(stream, first, 0, codec)),
      takeAll(first, codec),
      loseWhileSilent(),
    ]);
    expect(error.code).toBe('LinkLost');
    expect(half.data.equals(data.subarray(0, half.data.length))).toBe(true);
    const second = new MemoryLink();
    expect(stream.covers(placeAt(data, mib))).toBe(true);
    const [trailer, rest] = await Promise.all([sendTo(stream, second, mib, codec), takeAll(second, codec)]);
    expect(trailer.stream_bytes).toBe(data.length);
    expect(rest.data.equals(data.subarray(mib))).toBe(true);
  });
});

it('an empty stream is one with a trailer', async () => {
  const link = new MemoryLink();
  const trailer = await sendTo(open('true'), link);
  expect(trailer).toEqual({ stream_bytes: 0, hash: stream_start.hash });
});

describe('what fails ends it', () => {
  it('the child: with its exit code and the last line of stderr, and the receiver is told the same', async () => {
    const link = new MemoryLink();
    const stream = open('echo data; echo first >&2; echo "cannot go on" >&2; exit 3');
    const error = await failureOf(sendTo(stream, link));
    expect(error).toMatchObject({ code: 'ProcessFailed', retryable: true });
    expect(error.message).toBe('sh -c ended with exit code 3: cannot go on');
    expect(link.sink_aborted).toEqual(error.toReport());
    expect(link.source.trailer).toBeUndefined();
    expect(await stream.over).toBe(error);
    expect(stream.retained_bytes).toBe(0);
  });

  it('the child, at once, while the link is full', async () => {
    const error = await failureOf(sendTo(open('yes | head -c 3500000; exit 5'), new MemoryLink(1)));
    expect(error.message).toContain('exit code 5');
  });

  it('the child, while it is silent and stopped by someone else', async () => {
    const child = children.shell('exec sleep 600');
    const sent = failureOf(sendTo(new OutgoingStream({ child, clock }), new MemoryLink(1)));
    child.stop(new IcbdError('Stalled', 'no byte moved', { operation: 'test' }).toReport());
    expect(await sent).toMatchObject({ code: 'Stalled' });
  });

  it('the child, while no link is there: the next use says so', async () => {
    const stream = open('echo x; sleep 0.3; echo broken >&2; exit 4');
    const link = new MemoryLink();
    link.fail(lost);
    await failureOf(sendTo(stream, link));
    expect((await stream.over).message).toContain('exit code 4: broken');
    expect(() => stream.covers(stream_start)).toThrow('exit code 4');
    const next = new MemoryLink();
    expect((await failureOf(sendTo(stream, next))).message).toContain('exit code 4');
    expect(next.sink_aborted).toMatchObject({ code: 'ProcessFailed' });
    expect((await failureOf(skip(stream, stream_start))).message).toContain('exit code 4');
  });

  it('the receiver, by its reason', async () => {
    const link = new MemoryLink(1);
    const stream = open('exec yes');
    setTimeout(() => {
      link.source.abort(new IcbdError('NoSpace', 'disk full', { operation: 'btrfs receive' }).toReport());
    }, 50);
    expect(await failureOf(sendTo(stream, link))).toMatchObject({ code: 'NoSpace', message: 'disk full' });
    expect(await stream.over).toMatchObject({ code: 'NoSpace' });
  });

  it('whoever stops it, with and without a link', async () => {
    const reason = new IcbdError('Stalled', 'no byte moved', { operation: 'test' }).toReport();
    const stream = open('exec yes');
    const sent = failureOf(sendTo(stream, new MemoryLink(1)));
    await stream.stop(reason);
    expect(await sent).toMatchObject({ code: 'Stalled' });
    const idle = open('exec yes');
    await idle.stop(reason);
    expect(await idle.over).toMatchObject({ code: 'Stalled' });
  });

  it('even if its child has ended well, and only the link takes nothing', async () => {
    const stream = open('yes | head -c 3000000');
    const sent = failureOf(sendTo(stream, new MemoryLink(1)));
    await sleep(200);
    await stream.stop(new IcbdError('Stalled', 'no byte moved', { operation: 'test' }).toReport());
    expect(await sent).toMatchObject({ code: 'Stalled' });
  });

  it('and it refuses two uses at once', async () => {
    const stream = open('exec yes');
    const sent = failureOf(sendTo(stream, new MemoryLink(1)));
    expect((await failureOf(sendTo(stream, new MemoryLink(1)))).code).toBe('Internal');
    await stream.stop(lost.toReport());
    await sent;
  });
});

describe('the window', () => {
  it('bounds what is read and retained until the receiver has taken it', async () => {
    const stream = open('yes | head -c 40000000');
    const link = new MemoryLink(100);
    const sent = sendTo(stream, link);
    const taken = takeAll(link, 'none');
    await sleep(300);
    expect(stream.read_bytes).toBeGreaterThan(window_bytes - 2 * mib);
    expect(stream.retained_bytes).toBeLessThanOrEqual(window_bytes);
    const before_bytes = stream.read_bytes;
    link.source.taken(4 * mib);
    await sleep(200);
    expect(stream.read_bytes).toBeGreaterThan(before_bytes + 2 * mib);
    expect(stream.retained_bytes).toBeLessThanOrEqual(window_bytes);
    // More than was ever sent is no reason to let go of more.
    const asking = setInterval(() => link.source.taken(1_000 * mib), 5);
    expect((await sent).stream_bytes).toBe(40_000_000);
    clearInterval(asking);
    expect((await taken).data.length).toBe(40_000_000);
  });

  it('gives memory back to the reader of the child when it is taken, and not before', async () => {
    const child = children.shell('yes | head -c 80000000');
    const addresses = new Set<unknown>();
    const link = new MemoryLink(100);
    link.onBlock = (block) => {
      addresses.add(block.buffer);
      return block;
    };
    const stream = new OutgoingStream({ child, clock });
    const held: Buffer[] = [];
    let sum_bytes = 0;
    const receiving = (async () => {
      for await (const block of link.source.blocks) {
        held.push(block);
        sum_bytes += block.length;
        if (held.length % 4 !== 0) continue;
        // What was not taken yet must still read as it was sent.
        for (const waiting of held.splice(0)) expect(waiting.includes('x')).toBe(false);
        link.source.taken(sum_bytes);
      }
    })();
    expect((await sendTo(stream, link)).stream_bytes).toBe(80_000_000);
    await receiving;
    expect(addresses.size).toBeLessThan(24);
  });

  it('does not wait for ever for a codec that holds back more than it', async () => {
    const eager = {
      ...clock,
      after: (delay_ms: number, work: () => void) => clock.after(delay_ms / 20, work),
    };
    // Compresses to far less than the 128 KiB that a zstd program reads before it gives anything out.
    const child = children.shell(`head -c 60000000 /dev/zero`);
    const stream = new OutgoingStream({ child, clock: eager });
    const link = new MemoryLink();
    let peak_bytes = 0;
    const watching = setInterval(() => {
      peak_bytes = Math.max(peak_bytes, stream.retained_bytes);
    }, 1);
    const [trailer, taken] = await Promise.all([sendTo(stream, link, 0, 'zstd'), takeAll(link, 'zstd')]);
    clearInterval(watching);
    expect(trailer.stream_bytes).toBe(60_000_000);
    expect(taken.data.equals(Buffer.alloc(60_000_000))).toBe(true);
    expect(peak_bytes).toBeLessThanOrEqual(window_bytes);
  });
});

describe('a place to go on from', () => {
  const data = randomBytes(9 * mib + 123);

  it('is skipped to, and all behind it is sent', async () => {
    writeFileSync(file, data);
    const stream = open(`cat '${file}'`);
    const told: number[] = [];
    const meter = new Meter(clock);
    const place = placeAt(data, 6 * mib);
    const { sink } = new MemoryLink();
    await stream.skipTo(place, { sink, meter, signal: never, onSkipped: (bytes) => told.push(bytes) });
    expect(told.at(-1)).toBe(6 * mib);
    expect(told).toEqual(told.toSorted((one, other) => one - other));
    expect(meter.bytes).toBeGreaterThanOrEqual(6 * mib);
    expect(stream.retained_bytes).toBeLessThan(3 * mib);
    expect(stream.covers(place)).toBe(true);
    const link = new MemoryLink();
    const [trailer, taken] = await Promise.all([sendTo(stream, link, 6 * mib), takeAll(link, 'none')]);
    expect(taken.data.equals(data.subarray(6 * mib))).toBe(true);
    const whole = new ProofHash();
    whole.update(data);
    expect(trailer).toEqual({ stream_bytes: data.length, hash: whole.digest() });
  });

  it('may be the very end', async () => {
    const exact = data.subarray(0, 2 * mib);
    writeFileSync(file, exact);
    const stream = open(`cat '${file}'`);
    await skip(stream, placeAt(exact, 2 * mib));
    const link = new MemoryLink();
    const [trailer, taken] = await Promise.all([sendTo(stream, link, 2 * mib), takeAll(link, 'none')]);
    expect(trailer).toEqual({ stream_bytes: 2 * mib, hash: placeAt(exact, 2 * mib).hash });
    expect(taken.data.length).toBe(0);
  });

  it('is refused if the stream is another there, and it is over', async () => {
    writeFileSync(file, data);
    const stream = open(`cat '${file}'; sleep 600`);
    const place = { offset_bytes: 3 * mib, hash: '0123456789abcdef' };
    const error = await failureOf(skip(stream, place));
    expect(error).toMatchObject({ code: 'ResumeMismatch', retryable: true });
    expect(error.message).toContain(String(3 * mib));
    expect(await stream.over).toBe(error);
  });

  it('is refused if the stream ends before', async () => {
    writeFileSync(file, data);
    const error = await failureOf(skip(open(`cat '${file}'`), { ...stream_start, offset_bytes: 50 * mib }));
    expect(error.code).toBe('ResumeMismatch');
    expect(error.message).toContain(`ends after ${data.length} bytes`);
  });

  it('is not what failed if the child did', async () => {
    const error = await failureOf(skip(open('echo x; exit 6'), { ...stream_start, offset_bytes: 50 * mib }));
    expect(error).toMatchObject({ code: 'ProcessFailed' });
  });

  it('is not waited for when the signal aborts', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const place = { ...stream_start, offset_bytes: 1_000_000 * mib };
    expect(await failureOf(skip(open('exec yes'), place, { signal: controller.signal }))).toMatchObject({
      code: 'Interrupted',
    });
  });

  it('is skipped to further by the next link, if one is lost meanwhile', async () => {
    writeFileSync(file, data);
    const stream = open(`head -c ${2 * mib} '${file}'; sleep 0.5; tail -c +${2 * mib + 1} '${file}'`);
    const place = placeAt(data, 6 * mib);
    const link = new MemoryLink();
    const loseWhileSilent = async (): Promise<void> => {
      while (stream.read_bytes < 2 * mib) await sleep(10);
      link.fail(lost);
    };
    const [failure] = await Promise.all([failureOf(skip(stream, place, { link })), loseWhileSilent()]);
    expect(failure).toBe(lost);
    await skip(stream, place);
    const next = new MemoryLink();
    const [trailer, taken] = await Promise.all([sendTo(stream, next, 6 * mib), takeAll(next, 'none')]);
    expect(trailer.stream_bytes).toBe(data.length);
    expect(taken.data.equals(data.subarray(6 * mib))).toBe(true);
  });

  it('is covered between what was taken and what was read, with the right hash only', async () => {
    const long = randomBytes(30 * mib);
    writeFileSync(file, long);
    const stream = open(`cat '${file}'`);
    expect(stream.covers(stream_start)).toBe(true);
    const link = new MemoryLink(2);
    const receiving = takeAll(link, 'none', (bytes) => {
      if (bytes < 7 * mib) return;
      link.source.taken(5 * mib);
      link.fail(lost);
    });
    expect(await failureOf(sendTo(stream, link))).toBe(lost);
    await receiving;
    const covered = Array.from({ length: 31 }, (_, index) => stream.covers(placeAt(long, index * mib)));
    expect(covered.slice(0, 5)).toEqual([false, false, false, false, false]);
    expect(covered.slice(5, 8)).toEqual([true, true, true]);
    expect(covered[30]).toBe(false);
    expect(() => stream.covers({ offset_bytes: 6 * mib, hash: 'fedcba9876543210' })).toThrow(
      expect.objectContaining({ code: 'ResumeMismatch' }),
    );
    await stream.stop(lost.toReport());
  });
});
