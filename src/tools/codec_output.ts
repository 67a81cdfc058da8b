/** Bytes to a file descriptor, one piece after the other, and with errors that say what happened. */
import { write } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { IcbdError } from '../core/errors.js';

export interface CodecOutput {
  /** Returns when all is written. */
  write(bytes: Buffer): Promise<void>;
}

/** Nobody reads any more what is written: no error to speak of. */
export class BrokenOutput extends Error {
  override readonly name = 'BrokenOutput';
}

const writeSome = promisify(write);
/** For a pipe that somebody else has made non-blocking. */
const try_again_ms = 5;

function failureOf(thrown: unknown): Error {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  if (code === 'EPIPE') return new BrokenOutput('the reader has ended', { cause: thrown });
  const operation = 'write standard output';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint = 'make room';
    return new IcbdError('NoSpace', 'there is no room for the output', { operation, hint, cause: thrown });
  }
  return IcbdError.from(thrown, operation);
}

/**
 * Standard output as a descriptor, and not as the stream of Node: that one blocks the process while it writes to a
 * pipe, and its errors end the process.
 * @throws IcbdError from `write`: `NoSpace`, `Internal`; `BrokenOutput`
 */
export function outputTo(descriptor: number): CodecOutput {
  return {
    async write(bytes) {
      for (let offset = 0; offset < bytes.length; ) {
        try {
          const { bytesWritten } = await writeSome(descriptor, bytes, offset, bytes.length - offset);
          offset += bytesWritten;
        } catch (thrown) {
          if (!(thrown instanceof Error && Reflect.get(thrown, 'code') === 'EAGAIN')) throw failureOf(thrown);
          await sleep(try_again_ms);
        }
      }
    },
  };
}
