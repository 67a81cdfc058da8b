/** A transform of Node as a converter. */
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Converter } from './converter.js';
import { withRecycle } from './recycling_blocks.js';

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
