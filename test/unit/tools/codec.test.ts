import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type CodecDirection, runCodec } from '../../../src/tools/codec.js';
import { parseStreamCodec } from '../../../src/tools/codec_choice.js';
import { type CodecOutput, outputTo } from '../../../src/tools/codec_output.js';
import { runCli } from '../../../src/cli/program.js';
import { fakeContext } from '../cli/fake_context.js';
import { chunked, compressAll, content, errorOf } from '../stream_codecs/support.js';

const directory = mkdtempSync(join(tmpdir(), 'icbdrep-codec-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Keeps what is written. */
class Memory implements CodecOutput {
  readonly written: Buffer[] = [];

  async write(bytes: Buffer): Promise<void> {
    this.written.push(Buffer.from(bytes));
  }
}

const onProgress = (): void => undefined;

function options(direction: CodecDirection, input: AsyncIterable<unknown>, output: CodecOutput) {
  return {
    codec: 'lz4',
    direction,
    block_bytes: undefined,
    level: undefined,
    input,
    output,
    onProgress,
  } as const;
}

async function* failing(): AsyncGenerator<Buffer, void, undefined> {
  yield content('random', 1_000_000);
  throw Object.assign(new Error('read failed'), { code: 'EISDIR' });
}

async function run(argv: readonly string[], columns?: number) {
  const context = fakeContext(columns === undefined ? {} : { columns });
  return { code: await runCli(argv, context), ...context.printed };
}

describe('a run', () => {
  it('counts what it read and wrote', async () => {
    const bytes = content('text', 300_000);
    const packed = new Memory();
    const progress: number[] = [];
    const summary = await runCodec({
      ...options('compress', chunked(bytes, 100_000), packed),
      onProgress: (input_bytes) => progress.push(input_bytes),
    });
    const stream = Buffer.concat(packed.written);
    expect(progress).toEqual([100_000, 200_000, 300_000]);
    expect(summary).toEqual({
      codec: 'lz4',
      direction: 'compress',
      input_bytes: 300_000,
      output_bytes: stream.length,
    });
    const unpacked = new Memory();
    await runCodec(options('decompress', chunked(stream), unpacked));
    expect(Buffer.concat(unpacked.written).equals(bytes)).toBe(true);
  });

  it('says that what it wrote before a failure is not complete, and only if it wrote anything', async () => {
    const stream = await compressAll('lz4', content('text', 600_000));
    const output = new Memory();
    const error = await errorOf(runCodec(options('decompress', chunked(stream.subarray(0, -6)), output)));
    const written = Buffer.concat(output.written).length;
    expect(written).toBeGreaterThan(0);
    expect([error.code, error.message]).toEqual(['CorruptData', expect.stringContaining('ends too early')]);
    expect(error.hint).toContain(`what was written, ${written} bytes, is not complete and must not be used`);
    const nothing = new Memory();
    const early = await errorOf(runCodec(options('decompress', chunked(Buffer.from('no')), nothing)));
    expect(nothing.written).toEqual([]);
    expect(early.hint).not.toContain('what was written');
  });

  it('tells input that cannot be read from input that is damaged', async () => {
    const error = await errorOf(runCodec(options('compress', failing(), new Memory())));
    expect([error.code, error.message]).toEqual(['InvalidArgument', 'standard input cannot be read: EISDIR']);
    expect(error.hint).toContain('is not complete');
  });
});

describe('the output', () => {
  it('writes all of it to a descriptor', async () => {
    const file = join(directory, 'output');
    const descriptor = openSync(file, 'w');
    const output = outputTo(descriptor);
    await output.write(Buffer.from('one, '));
    await output.write(Buffer.from('two'));
    closeSync(descriptor);
    expect(readFileSync(file, 'utf8')).toBe('one, two');
  });

  it('says that there is no room', async () => {
    const descriptor = openSync('/dev/full', 'w');
    const error = await errorOf(outputTo(descriptor).write(Buffer.from('x')));
    closeSync(descriptor);
    expect(error.code).toBe('NoSpace');
    const closed = await errorOf(outputTo(descriptor).write(Buffer.from('x')));
    expect(closed.message).toContain('EBADF');
  });
});

describe('the command line', () => {
  it('knows the codecs', async () => {
    expect(parseStreamCodec('snappy-framed')).toBe('snappy-framed');
    for (const verb of ['compress', 'decompress']) {
      const { code, err } = await run(['codec', verb, '--codec', 'none']);
      expect(code).toBe(2);
      expect(err).toContain('"none" is no stream codec');
      expect(err).toContain('hint: stream codecs: snappy snappy-framed lz4 zlib gzip zstd');
      expect((await run(['codec', verb])).err).toContain("required option '--codec <name>'");
    }
  });

  it('writes no compressed data to a terminal', async () => {
    const { code, out, err } = await run(['codec', 'compress', '--codec', 'lz4'], 80);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('are not written to a terminal');
  });

  it('refuses sizes and levels before it reads anything', async () => {
    const cases = [
      [['--codec', 'lz4', '--level', '3'], 'lz4 has no level'],
      [['--codec', 'zstd', '--level', '20'], '20 is no level for zstd'],
      [['--codec', 'zstd', '--block-size', '1M'], 'zstd has no block size'],
      [['--codec', 'snappy-framed', '--block-size', '65537'], '65537 is no block size'],
      [['--codec', 'zlib', '--block-size', 'big'], '"big" is no size'],
    ] as const;
    for (const [argv, message] of cases) {
      const { code, out, err } = await run(['codec', 'compress', ...argv]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(message);
    }
  });

  it('explains itself', async () => {
    const { code, out } = await run(['codec', 'compress', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('what was written is not complete');
  });
});
