import { IcbdError } from '../core/errors.js';
import { startChild } from './child.js';
import { failureOfChild } from './child_failure.js';
import { ChildInput } from './child_input.js';
import type { Converter } from './converter.js';

/**
 * The program `zstd` as a converter.
 * @param operation what it is run for, for errors
 * @param args besides those that make it quiet and let it write to a pipe
 */
export function zstdProgram(operation: 'compress' | 'decompress', args: readonly string[]): Converter {
  const child = startChild({ program: 'zstd', args: [...args, '-q', '-c'], stdin: 'pipe', stdout: 'pipe' });
  if (child.stdin === undefined || child.stdout === undefined) {
    throw new IcbdError('Internal', 'zstd has no pipes', { operation, subject: 'zstd' });
  }
  const input = new ChildInput(child.stdin);
  return {
    write: (block, onTaken) => input.write([block], onTaken),
    end: () => input.end(),
    output: child.stdout,
    finish: async () => {
      const failure = failureOfChild(child, await child.finished);
      if (failure !== undefined) throw failure;
    },
    stop: async () => {
      const message = 'the stream is not needed any more';
      child.stop(new IcbdError('Cancelled', message, { operation, subject: 'zstd' }).toReport());
      await child.finished;
    },
  };
}
