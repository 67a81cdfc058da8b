/** Input of one format given to the codec of another: the error then says which it is. */
import { IcbdError } from '../core/errors.js';
import type { StreamCodec } from './codec_settings.js';
import type { Chunks } from './flow.js';

const signatures: readonly (readonly [StreamCodec, string])[] = [
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['lz4', '04224d18'],
  ['snappy-framed', 'ff060000734e61507059'],
];

/** What a stream that starts like this seems to be; undefined if it seems to be nothing known. */
export function recognizeFormat(start: Buffer): StreamCodec | undefined {
  const hex = start.subarray(0, 16).toString('hex');
  const [found] = signatures.find(([, signature]) => hex.startsWith(signature)) ?? [];
  if (found !== undefined || start.length < 2) return found;
  // RFC 1950: deflate, a window of at most 32 KiB, and a check of these two bytes.
  const header = start.readUInt16BE();
  const is_zlib = (header & 0x0f00) === 0x0800 && header < 0x8000 && header % 31 === 0;
  return is_zlib ? 'zlib' : undefined;
}

/** Looks at the start of what is decompressed. */
export class Recognizer {
  readonly #source: AsyncIterable<Buffer>;
  #start: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }

  async *chunks(): Chunks {
    for await (const chunk of this.#source) {
      if (this.#start.length < 16) this.#start = Buffer.concat([this.#start, chunk.subarray(0, 16)]);
      yield chunk;
    }
  }

  /** The same output; an error about damaged data says what the input seems to be, if that is another format. */
  async *explain(codec: StreamCodec, output: AsyncIterable<Buffer>): Chunks {
    try {
      yield* output;
    } catch (thrown) {
      const found = recognizeFormat(this.#start);
      const is_other = thrown instanceof IcbdError && thrown.code === 'CorruptData' && found !== undefined;
      if (!is_other || found === codec) throw thrown;
      throw new IcbdError(thrown.code, thrown.message, {
        operation: thrown.operation,
        subject: thrown.subject,
        hint: `the input looks like ${found}: try that codec`,
        retryable: false,
        cause: thrown,
      });
    }
  }
}
