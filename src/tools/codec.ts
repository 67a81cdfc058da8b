/** A stream through one of the stream codecs: `icbdrep codec`. */
import { createReadStream, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { IcbdError } from '../core/errors.js';
import type { StreamCodec } from '../stream_codecs/codec_settings.js';
import { compressStream, decompressStream } from '../stream_codecs/stream_codec.js';
import type { CodecOutput } from './codec_output.js';

/** Large, since each read is a turn of the event loop. */
const read_bytes = 256 * 1024;

export type CodecDirection = 'compress' | 'decompress';

export interface CodecRunOptions {
  readonly codec: StreamCodec;
  readonly direction: CodecDirection;
  readonly block_bytes: number | undefined;
  readonly level: number | undefined;
  readonly input: AsyncIterable<unknown>;
  readonly output: CodecOutput;
  /** Called with the bytes read so far. */
  readonly onProgress: (input_bytes: number) => void;
}

export interface CodecSummary {
  readonly codec: StreamCodec;
  readonly direction: CodecDirection;
  readonly input_bytes: number;
  readonly output_bytes: number;
}

export interface StandardInput {
  readonly chunks: AsyncIterable<unknown>;
  /** Null if it is no file. */
  readonly total_bytes: number | null;
  readonly is_terminal: boolean;
}

/**
 * Standard input, whatever it is. Node's own stream takes it for empty if it is a block device or a directory, so it is
 * used only for what has no place on a disk.
 */
export function standardInput(): StandardInput {
  const found = fstatSync(0);
  const is_stream = found.isFIFO() || found.isSocket() || found.isCharacterDevice();
  return {
    chunks: is_stream
      ? process.stdin
      : createReadStream('', { fd: 0, autoClose: false, highWaterMark: read_bytes }),
    total_bytes: found.isFile() ? found.size : null,
    is_terminal: isatty(0),
  };
}

/** What went wrong while reading is not the fault of the data. */
function inputFailure(thrown: unknown): unknown {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  if (thrown instanceof IcbdError || typeof code !== 'string') return thrown;
  return new IcbdError('InvalidArgument', `standard input cannot be read: ${code}`, {
    operation: 'read standard input',
    hint: 'give a file or a pipe',
    cause: thrown,
  });
}

/** The same failure, which says what became of what was written before it. */
function withOutputState(thrown: unknown, output_bytes: number): unknown {
  if (!(thrown instanceof IcbdError) || output_bytes === 0) return thrown;
  const state = `what was written, ${output_bytes} bytes, is not complete and must not be used`;
  const hint = thrown.hint === '' ? state : `${thrown.hint}; ${state}`;
  const { message, operation, subject, retryable } = thrown;
  return new IcbdError(thrown.code, message, { operation, subject, retryable, hint, cause: thrown });
}

/**
 * Reads all, and writes what comes of it; returns when all of it is written.
 * @throws IcbdError as `compressStream` and `decompressStream`; `NoSpace`; `InvalidArgument` for input that cannot be
 *   read. What was written before is not complete then, and the hint says so. `BrokenOutput` if nobody reads it
 */
export async function runCodec(options: CodecRunOptions): Promise<CodecSummary> {
  const { codec, direction, block_bytes, level, input, output } = options;
  let input_bytes = 0;
  let output_bytes = 0;
  async function* counted(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of input) {
        if (!(chunk instanceof Uint8Array)) continue;
        input_bytes += chunk.length;
        options.onProgress(input_bytes);
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
    } catch (thrown) {
      throw inputFailure(thrown);
    }
  }
  const converted =
    direction === 'compress'
      ? compressStream(codec, counted(), { block_bytes, level })
      : decompressStream(codec, counted(), { block_bytes });
  try {
    for await (const chunk of converted) {
      await output.write(chunk);
      output_bytes += chunk.length;
    }
  } catch (thrown) {
    throw withOutputState(thrown, output_bytes);
  }
  return { codec, direction, input_bytes, output_bytes };
}
