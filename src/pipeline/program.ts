import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Where `program` is found in PATH, or the path itself if it has a slash; undefined if it cannot be run. */
export function findProgram(program: string): string | undefined {
  if (program.includes('/')) return isExecutable(program) ? program : undefined;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, program))
    .find(isExecutable);
}

/** A program with its first argument, which for btrfs says what it does. */
export function operationOf(call: { readonly program: string; readonly args: readonly string[] }): string {
  return [call.program, ...call.args.slice(0, 1)].join(' ');
}
