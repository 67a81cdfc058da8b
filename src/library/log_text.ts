/** Text for logs of programs that use this library. */
import { inspect } from 'node:util';

const heading_columns = 78;

/** A line that is easy to find in a log: `--[ text ]------`. */
export function heading(text: string): string {
  return `--[ ${text} ]`.padEnd(heading_columns, '-');
}

/** Any value, readable: all of it, keys in order, no colours. For debugging. */
export function prettify(value: unknown): string {
  return inspect(value, { depth: null, sorted: true, maxArrayLength: null, maxStringLength: null });
}
