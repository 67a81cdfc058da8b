import { IcbdError } from '../../core/errors.js';
import type { CliContext } from '../context.js';
import type { CommandLine } from './command_line.js';
import { type ConsoleState, consoleCommands } from './console_commands.js';
import { type Ended, runInForeground } from './foreground.js';
import type { Signals } from './signals.js';
import { splitWords } from './words.js';

export interface RunnerOptions {
  readonly command_line: CommandLine;
  /** The console's own; its socket is in the environment. */
  readonly context: CliContext;
  readonly is_json: boolean;
  readonly signals: Signals;
  readonly state: ConsoleState;
  readonly ask: CliContext['ask'];
}

/** Runs lines, each as the program would run it. */
export class LineRunner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** @returns undefined if there is nothing on the line */
  async run(line: string): Promise<Ended | undefined> {
    const { command_line, context, is_json, signals, state, ask } = this.#options;
    let words: string[];
    try {
      words = splitWords(line);
    } catch (error) {
      const exit_code = command_line.fail(context, IcbdError.from(error, 'console'), is_json);
      return { exit_code, signal: undefined };
    }
    if (words.length === 0) return undefined;
    // Hints and examples name the program: they can be typed as they stand.
    const argv = words[0] === 'icbdrep' ? words.slice(1) : words;
    const global = is_json ? ['--json'] : [];
    const extend = consoleCommands(state);
    return runInForeground(context, signals, ask, (inner) =>
      command_line.run([...global, ...(argv.length === 0 ? ['help'] : argv)], inner, extend),
    );
  }
}
