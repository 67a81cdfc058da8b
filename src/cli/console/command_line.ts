import type { Command } from 'commander';
import type { IcbdError } from '../../core/errors.js';
import type { CliContext } from '../context.js';
import type { CliRun } from '../session.js';

/** Adds commands to the program that only a console has. */
export type Extension = (program: Command, run: CliRun) => void;

/** The program that the console is a command of: it is handed over, for it cannot be imported from here. */
export interface CommandLine {
  /** Runs one line; prints its errors; never throws. Returns the exit code. */
  run(argv: readonly string[], context: CliContext, extend: Extension): Promise<number>;
  /** All commands, to be looked at. */
  describe(context: CliContext, extend: Extension): Command;
  /** Prints an error as all are printed; returns its exit code. */
  fail(context: CliContext, error: IcbdError, is_json: boolean): number;
}
