/** A transform of Node as a converter. */
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Converter } from '../pipeline/converter.js';
import { withRecycle } from '../pipeline/recycling_blocks.js';

export function nodeConverter(stream: Transform): Converter {
  const done = finished(stream);
  // Told by `finish`, to whom it concerns.
  done.catch(() => undefined);
  return {
    write: (block, onTaken) =>
      new Promise((resolve, reject) => {
        stream.write(block, (error) => {
          if (error) return reject(error);
          onTaken();
          resolve();
        });
      }),
    end: async () => {
      stream.end();
    },
    output: withRecycle(stream),
    finish: () => done,
    stop: async () => {
      stream.destroy();
    },
  };
}

/**
 * Watches what goes into a converter, to tell a failure of the source from one of the converter, and where it was.
 */
export class WatchedSource {
  readonly #source: AsyncIterable<Buffer>;
  /** What the source threw. */
  failure: { readonly thrown: unknown } | undefined;
  /** Input before the chunk that was given last, and with it. */
  before_bytes = 0;
  after_bytes = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#source) {
        if (chunk.length === 0) continue;
        this.before_bytes = this.after_bytes;
        this.after_bytes += chunk.length;
        yield chunk;
      }
    } catch (thrown) {
      this.failure = { thrown };
      throw thrown;
    }
  }
}
