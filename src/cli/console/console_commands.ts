/** The commands that only a console has; part of the same tree as all others. */
import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { printable } from '../render/text.js';
import { type CliRun, openSession } from '../session.js';
import type { Extension } from './command_line.js';
import { findCommand } from './place.js';
import { refuseStandardInput } from './standard_input.js';

/** What these commands change and show. */
export interface ConsoleState {
  is_over: boolean;
  /** The lines typed so far, oldest first. */
  history(): readonly string[];
  /** Whether commands come from standard input, so that none may read it. */
  readonly is_input_taken: boolean;
}

const clear_screen = '\u001b[H\u001b[2J\u001b[3J';

function renderNumbered(lines: readonly string[]): string {
  const width = String(lines.length).length;
  return lines.map((line, index) => `${String(index + 1).padStart(width)}  ${printable(line)}\n`).join('');
}

/** @throws IcbdError `InvalidArgument` if there is none of that name */
function commandNamed(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    const next = findCommand(command, word);
    if (next === undefined) {
      throw new IcbdError('InvalidArgument', `there is no command ${JSON.stringify(words.join(' '))}`, {
        operation: 'help',
        subject: words.join(' '),
        hint: 'help lists all commands',
      });
    }
    command = next;
  }
  return command;
}

/** `help`, `history`, `clear`, `exit`. */
export function consoleCommands(state: ConsoleState): Extension {
  return (program: Command, run: CliRun) => {
    const { context } = run;
    program.hook('preAction', (_program, command) => {
      if (state.is_input_taken) refuseStandardInput(command);
    });
    program
      .command('help')
      .alias('?')
      .description('this list, or all about one command; also ?')
      .argument('[command...]', 'the words of the command')
      .action((words: string[]) => commandNamed(program, words).outputHelp());
    program
      .command('history')
      .description('the lines typed so far; those that begin with a space are not kept')
      .action((_options: unknown, command: Command) => {
        openSession(run, command).answer(state.history(), renderNumbered);
      });
    program
      .command('clear')
      .description('clear the screen')
      .action(() => {
        if (context.stdout.terminal() !== null) context.stdout.write(clear_screen);
      });
    program
      .command('exit')
      .alias('quit')
      .description('leave the console; also quit and Ctrl-D')
      .action(() => {
        state.is_over = true;
      });
  };
}
