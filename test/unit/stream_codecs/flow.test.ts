import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IcbdError } from '../../../src/core/errors.js';
import { stream_codec_names } from '../../../src/stream_codecs/codec_settings.js';
import { compressStream, decompressStream } from '../../../src/stream_codecs/stream_codec.js';
import { collect, compressAll, errorOf } from './support.js';

const directions = { compress: compressStream, decompress: decompressStream };
const cases = stream_codec_names.flatMap((codec) =>
  (['compress', 'decompress'] as const).map((direction) => ({ codec, direction })),
);

/** Gives what is made again and again, and counts; never ends. */
class Endless {
  given_bytes = 0;
  is_closed = false;
  is_hanging = false;
  readonly #make: () => Buffer;
  readonly #hangs_after: number;

  constructor(make: () => Buffer, hangs_after = Number.POSITIVE_INFINITY) {
    this.#make = make;
    this.#hangs_after = hangs_after;
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (let count = 0; ; count += 1) {
        this.is_hanging = count >= this.#hangs_after;
        if (this.is_hanging) await new Promise(() => undefined);
        const chunk = this.#make();
        this.given_bytes += chunk.length;
        yield chunk;
      }
    } finally {
      this.is_closed = true;
    }
  }
}

/** What can be read or decompressed for ever: whole streams, one after the other where the format has that. */
async function food(
  codec: (typeof cases)[number]['codec'],
  direction: 'compress' | 'decompress',
): Promise<Endless> {
  // What repeats would become so little that nothing comes out for long.
  if (direction === 'compress') return new Endless(() => randomBytes(100_000));
  const stream = await compressAll(codec, randomBytes(100_000));
  // The end mark of a stream is its end for these.
  const has_only_one = codec === 'snappy' || codec === 'zlib';
  const given = has_only_one ? stream.subarray(0, 70_000) : stream;
  return new Endless(() => Buffer.from(given), has_only_one ? 1 : undefined);
}

describe.each(cases)('$codec $direction', ({ codec, direction }) => {
  const run = directions[direction];

  it('asks for more only when somebody wants more', async () => {
    const endless = await food(codec, direction);
    const output = run(codec, endless.chunks());
    expect((await output.next()).done).toBe(false);
    const given_bytes = endless.given_bytes;
    await new Promise((resolve) => {
      setTimeout(resolve, 60);
    });
    // A program reads on into its pipes.
    const ahead_bytes = codec === 'zstd' ? 8_000_000 : 200_000;
    expect(endless.given_bytes - given_bytes).toBeLessThanOrEqual(ahead_bytes);
    await output.return();
  });

  it('closes the source when the consumer has enough', async () => {
    const endless = await food(codec, direction);
    for await (const chunk of run(codec, endless.chunks())) {
      if (chunk.length > 10) break;
    }
    // One that hangs cannot be closed: that is up to who made it.
    await expect.poll(() => endless.is_closed || endless.is_hanging).toBe(true);
    expect(endless.given_bytes).toBeGreaterThan(0);
  });

  it('ends when it is told to, also while the source hangs', async () => {
    const reason = new IcbdError('Cancelled', 'enough', { operation: 'test' });
    for (const source of [new Endless(() => Buffer.alloc(0), 0), await food(codec, direction)]) {
      const controller = new AbortController();
      const work = errorOf(collect(run(codec, source.chunks(), { signal: controller.signal })));
      setTimeout(() => controller.abort(reason), 30);
      expect(await work).toBe(reason);
    }
    const aborted = { signal: AbortSignal.abort() };
    expect(
      (await errorOf(collect(run(codec, new Endless(() => Buffer.alloc(1)).chunks(), aborted)))).code,
    ).toBe('Interrupted');
  });

  it('passes on what the source failed with', async () => {
    const failure = new IcbdError('LinkLost', 'gone', { operation: 'test' });
    const endless = await food(codec, direction);
    async function* failing(): AsyncGenerator<Buffer, void, undefined> {
      for await (const chunk of endless.chunks()) {
        yield chunk;
        throw failure;
      }
    }
    expect(await errorOf(collect(run(codec, failing())))).toBe(failure);
  });
});

it('stops a small input that becomes much', async () => {
  const stream = await compressAll('zlib', Buffer.alloc(50_000_000));
  const controller = new AbortController();
  let bytes = 0;
  const work = async (): Promise<void> => {
    const source = (async function* () {
      yield stream;
    })();
    for await (const chunk of decompressStream('zlib', source, { signal: controller.signal })) {
      bytes += chunk.length;
      if (bytes > 1_000_000) controller.abort();
    }
  };
  expect((await errorOf(work())).code).toBe('Interrupted');
  expect(bytes).toBeLessThan(2_000_000);
});
