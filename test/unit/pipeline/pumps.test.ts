import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codec_names, type Codec } from '../../../src/core/codecs.js';
import type { StreamTrailer } from '../../../src/core/data_path.js';
import { IcbdError } from '../../../src/core/errors.js';
import { type Child, isSameProcess, startChild } from '../../../src/pipeline/child.js';
import { StreamHash } from '../../../src/pipeline/hash.js';
import { Meter } from '../../../src/pipeline/meter.js';
import { pumpReceive, type StreamTransform } from '../../../src/pipeline/receive_pump.js';
import { pumpSend } from '../../../src/pipeline/send_pump.js';
import { MemoryLink } from './memory_link.js';

const clock = { now: () => performance.now(), after: () => () => undefined };
const never = new AbortController().signal;
const started: Child[] = [];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icbdrep-pumps-'));
});

afterEach(async () => {
  const left = started.filter((child) => isSameProcess(child.pid ?? 0, child.start_time));
  for (const child of started.splice(0)) {
    child.stop(new IcbdError('Cancelled', 'test is over', { operation: 'test' }).toReport());
    await child.finished;
  }
  rmSync(directory, { recursive: true, force: true });
  // Whatever a test did, the pump must have waited for the end of its child.
  if (left.length > 0)
    throw new Error(`left running: ${left.map((child) => child.args.join(' ')).join('; ')}`);
});

function shell(script: string, way: 'send' | 'receive'): Child {
  const args = ['-c', script];
  const child =
    way === 'send'
      ? startChild({ program: 'sh', args, stdin: 'none', stdout: 'pipe' })
      : startChild({ program: 'sh', args, stdin: 'pipe', stdout: 'none' });
  started.push(child);
  return child;
}

function send(
  link: MemoryLink,
  script: string,
  codec: Codec = 'none',
  signal = never,
): Promise<StreamTrailer> {
  return pumpSend({ child: shell(script, 'send'), codec, sink: link.sink, meter: new Meter(clock), signal });
}

/** Holds back the last 3 bytes, and changes the first. */
class HoldBack implements StreamTransform {
  finished_with: StreamTrailer | undefined;
  #held = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    const joined = Buffer.concat([this.#held, chunk]);
    this.#held = joined.subarray(-3);
    return [joined.subarray(0, -3)];
  }

  finish(trailer: StreamTrailer): Buffer[] {
    this.finished_with = trailer;
    return [this.#held];
  }
}

function receive(
  link: MemoryLink,
  script: string,
  options: { codec?: Codec; signal?: AbortSignal; transform?: StreamTransform; meter?: Meter } = {},
): Promise<StreamTrailer> {
  const { codec = 'none', signal = never, transform = new HoldBack(), meter = new Meter(clock) } = options;
  return pumpReceive({
    child: shell(script, 'receive'),
    codec,
    source: link.source,
    transform,
    meter,
    signal,
  });
}

const quoted = (path: string) => `'${path}'`;

/** Puts blocks on the link by hand, with a trailer that is right unless one is given. */
async function feed(link: MemoryLink, blocks: readonly Buffer[], trailer?: StreamTrailer): Promise<void> {
  const hash = new StreamHash();
  for (const block of blocks) {
    hash.update(block);
    await link.sink.write(block);
  }
  await link.sink.end(trailer ?? { stream_bytes: hash.bytes, hash: hash.digest() });
}

const failureOf = (work: Promise<unknown>): Promise<IcbdError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (thrown: unknown) => {
      expect(thrown).toBeInstanceOf(IcbdError);
      return thrown as IcbdError;
    },
  );

describe.each(codec_names)('a stream with codec %s', (codec) => {
  it('arrives whole, and both ends agree', async () => {
    const from = join(directory, 'from');
    const to = join(directory, 'to');
    writeFileSync(from, Buffer.concat([randomBytes(7_000_000), Buffer.alloc(6_000_001, 'text')]));
    const link = new MemoryLink(2);
    const meter = new Meter(clock);
    const [sent, received] = await Promise.all([
      send(link, `cat ${quoted(from)}`, codec),
      receive(link, `cat > ${quoted(to)}`, { codec, meter }),
    ]);
    expect(received).toEqual(sent);
    expect(sent.stream_bytes).toBe(13_000_001);
    expect(meter.bytes).toBe(13_000_001);
    expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
  });
});

it('an empty stream arrives as one', async () => {
  const link = new MemoryLink();
  const [sent] = await Promise.all([send(link, 'true'), receive(link, 'cat > /dev/null')]);
  expect(sent).toEqual({ stream_bytes: 0, hash: '2d06800538d394c2' });
});

describe('pumpSend', () => {
  it('fails with the exit code and the last line of stderr, and tells the receiver the same', async () => {
    const link = new MemoryLink();
    const error = await failureOf(send(link, 'echo data; echo first >&2; echo "cannot go on" >&2; exit 3'));
    expect(error).toMatchObject({ code: 'ProcessFailed', retryable: true });
    expect(error.message).toBe('sh -c ended with exit code 3: cannot go on');
    expect(link.sink_aborted).toEqual(error.toReport());
    expect(link.source.trailer).toBeUndefined();
  });

  it('fails at once when its child fails while the link is full', async () => {
    const link = new MemoryLink(1);
    const error = await failureOf(send(link, 'yes | head -c 3500000; exit 5'));
    expect(error.message).toContain('exit code 5');
  });

  it('kills its child when the link breaks', async () => {
    const link = new MemoryLink(1);
    setTimeout(() => link.fail(new IcbdError('LinkLost', 'cable cut', { operation: 'test' })), 50);
    expect(await failureOf(send(link, 'exec yes'))).toMatchObject({ code: 'LinkLost', message: 'cable cut' });
    expect(started[0]?.stop_reason).toMatchObject({ code: 'LinkLost' });
  });

  it.each(codec_names)('ends when the signal aborts while the link is full (%s)', async (codec) => {
    const link = new MemoryLink(1);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new IcbdError('Cancelled', 'by hand', { operation: 'test' })), 50);
    const error = await failureOf(send(link, 'exec cat /dev/urandom', codec, controller.signal));
    expect(error).toMatchObject({ code: 'Cancelled', message: 'by hand' });
    expect(link.sink_aborted).toMatchObject({ code: 'Cancelled' });
  });

  it('ends when its silent child is stopped by someone else', async () => {
    const link = new MemoryLink(1);
    const sent = failureOf(send(link, 'exec sleep 600'));
    started[0]?.stop(new IcbdError('Stalled', 'no byte moved', { operation: 'test' }).toReport());
    expect(await sent).toMatchObject({ code: 'Stalled' });
  });

  it('gives blocks back to their reader when the sink is done with them', async () => {
    const link = new MemoryLink(100);
    const addresses = new Set<unknown>();
    const sink = Object.create(link.sink) as typeof link.sink & { onWritten?: (block: Buffer) => void };
    sink.write = async (block) => {
      addresses.add(block.buffer);
      await new Promise((resolve) => setTimeout(resolve, 1));
      sink.onWritten?.(block);
    };
    const child = shell('yes | head -c 50000000', 'send');
    const trailer = await pumpSend({ child, codec: 'none', sink, meter: new Meter(clock), signal: never });
    expect(trailer.stream_bytes).toBe(50_000_000);
    expect(addresses.size).toBeLessThan(8);
  });
});

describe('pumpReceive', () => {
  const block = Buffer.from('some bytes of a stream');

  it('writes nothing of the held-back end when the hash is wrong, and kills the child', async () => {
    const link = new MemoryLink();
    const transform = new HoldBack();
    const file = join(directory, 'got');
    writeFileSync(file, '');
    await feed(link, [block], { stream_bytes: block.length, hash: '0000000000000000' });
    const error = await failureOf(
      receive(link, `cat > ${quoted(file)}; echo over >> ${quoted(file)}`, { transform }),
    );
    expect(error).toMatchObject({ code: 'HashMismatch', retryable: true });
    expect(error.message).toContain('0000000000000000');
    expect(transform.finished_with).toBeUndefined();
    expect(readFileSync(file, 'utf8')).not.toContain('over');
    expect(link.source_aborted).toMatchObject({ code: 'HashMismatch' });
  });

  it('notices a wrong length, and a byte that changed on its way', async () => {
    const link = new MemoryLink();
    const hash = new StreamHash();
    hash.update(block);
    await feed(link, [block], { stream_bytes: block.length + 1, hash: hash.digest() });
    expect((await failureOf(receive(link, 'cat > /dev/null'))).code).toBe('HashMismatch');
    const damaging = new MemoryLink();
    damaging.onBlock = (sent, index) => (index === 1 ? Buffer.from(sent).fill(0, 5, 6) : sent);
    const sending = Promise.allSettled([send(damaging, 'yes | head -c 3000000')]);
    expect((await failureOf(receive(damaging, 'cat > /dev/null'))).code).toBe('HashMismatch');
    await sending;
  });

  it('reports the reason of the child and not the broken pipe', async () => {
    const link = new MemoryLink();
    const feeding = feed(
      link,
      Array.from({ length: 20 }, () => randomBytes(1_000_000)),
    ).catch(() => undefined);
    const script =
      'head -c 1000 > /dev/null; exec <&-; sleep 0.3; echo "ERROR: writing: No space left on device" >&2; exit 1';
    const error = await failureOf(receive(link, script));
    expect(error).toMatchObject({ code: 'NoSpace', retryable: true });
    expect(error.message).toContain('No space left on device');
    expect(link.source_aborted).toMatchObject({ code: 'NoSpace' });
    await feeding;
  });

  it('does not take a child for done that ended well but early', async () => {
    const link = new MemoryLink();
    const feeding = feed(
      link,
      Array.from({ length: 20 }, () => randomBytes(1_000_000)),
    ).catch(() => undefined);
    const error = await failureOf(receive(link, 'head -c 10 > /dev/null'));
    expect(error.message).toContain('ended before it had read the whole stream');
    await feeding;
  });

  it('notices the end of its child while no data comes', async () => {
    expect((await failureOf(receive(new MemoryLink(), 'exit 7'))).message).toContain('exit code 7');
  });

  it('fails if the child fails after it has read everything', async () => {
    const link = new MemoryLink();
    await feed(link, [block]);
    expect((await failureOf(receive(link, 'cat > /dev/null; exit 9'))).message).toContain('exit code 9');
  });

  it('stops a hung child by the signal', async () => {
    const link = new MemoryLink();
    const feeding = feed(
      link,
      Array.from({ length: 20 }, () => randomBytes(1_000_000)),
    ).catch(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const error = await failureOf(receive(link, 'exec sleep 600', { signal: controller.signal }));
    expect(error.code).toBe('Interrupted');
    expect(link.source_aborted).toMatchObject({ code: 'Interrupted' });
    await feeding;
  });

  it.each(codec_names)('kills its child when the link breaks (%s)', async (codec) => {
    const link = new MemoryLink();
    setTimeout(() => link.fail(new IcbdError('LinkLost', 'cable cut', { operation: 'test' })), 50);
    expect(await failureOf(receive(link, 'exec cat > /dev/null', { codec }))).toMatchObject({
      code: 'LinkLost',
    });
  });

  it('kills its child when the transform refuses the stream', async () => {
    const link = new MemoryLink();
    const transform: StreamTransform = {
      push: () => {
        throw new IcbdError('CorruptData', 'no send stream', { operation: 'test' });
      },
      finish: () => [],
    };
    await feed(link, [block]);
    expect((await failureOf(receive(link, 'cat > /dev/null', { transform }))).code).toBe('CorruptData');
  });

  it('takes no more from the link than the child takes, and gives each block back once', async () => {
    const link = new MemoryLink(1);
    let taken = 0;
    const recycled: Buffer[] = [];
    const blocks = Array.from({ length: 30 }, () => randomBytes(1_000_000));
    link.onBlock = (sent) => {
      taken += 1;
      return sent;
    };
    const source = Object.create(link.source) as typeof link.source & { recycle: (block: Buffer) => void };
    source.recycle = (done) => recycled.push(done);
    const child = shell('sleep 0.4; exec cat > /dev/null', 'receive');
    const meter = new Meter(clock);
    const received = pumpReceive({
      child,
      codec: 'none',
      source,
      transform: new HoldBack(),
      meter,
      signal: never,
    });
    const feeding = feed(link, blocks);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken).toBeLessThan(8);
    await Promise.all([received, feeding]);
    expect(recycled).toHaveLength(30);
    expect(new Set(recycled)).toEqual(new Set(blocks));
  });
});
