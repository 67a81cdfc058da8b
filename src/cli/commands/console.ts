import type { Command } from 'commander';
import { environmentFor } from '../../client/choose_daemon.js';
import { IcbdError } from '../../core/errors.js';
import type { CommandLine } from '../console/command_line.js';
import type { ConsoleState } from '../console/console_commands.js';
import { runInteractive } from '../console/interactive.js';
import { LineRunner } from '../console/line_runner.js';
import { readLines, runScript } from '../console/script.js';
import { Signals } from '../console/signals.js';
import type { CliContext } from '../context.js';
import type { CliRun, GlobalOptions } from '../session.js';

interface ConsoleOptions extends GlobalOptions {
  readonly execute?: readonly string[];
  readonly keepGoing?: boolean;
}

const help = `
At a terminal: every command of icbdrep, without its first word. Tab completes commands, options, and the names that
the daemon knows; Ctrl-C ends a command or a line, Ctrl-D the console. The history is kept in
$XDG_STATE_HOME/icbdrep/history or ~/.local/state/icbdrep/history; a line that begins with a space is not.

From a pipe or a file: each line is run; the first that fails ends it with its exit code.
Words are split as in a shell: '...', "...", \\ and # for comments, but no variables, patterns or pipes.

  icbdrep console -c 'image add vm1' -c 'snapshot create vm1'
  icbdrep console < commands
`;

function collectCommands(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

async function askNobody(): Promise<null> {
  return null;
}

async function runCommands(
  { context }: CliRun,
  command_line: CommandLine,
  options: ConsoleOptions,
  input: ReturnType<NonNullable<CliContext['openInput']>>,
): Promise<number> {
  const { execute, json = false, keepGoing: keeps_going = false } = options;
  const signals = new Signals(context);
  const state: ConsoleState = {
    is_over: false,
    history: () => [],
    is_input_taken: execute === undefined,
  };
  const runner = new LineRunner({ command_line, context, is_json: json, signals, state, ask: askNobody });
  const isOver = (): boolean => state.is_over;
  const shared = { context, runner, signals, is_json: json, keeps_going, isOver };
  return execute === undefined
    ? runScript(readLines(input.stream), { ...shared, unit: 'line' })
    : runScript(execute, { ...shared, unit: 'command' });
}

async function runConsole(run: CliRun, command_line: CommandLine, options: ConsoleOptions): Promise<number> {
  const { openInput, env } = run.context;
  if (openInput === undefined) {
    throw new IcbdError('InvalidArgument', 'this is a console already', {
      operation: 'console',
      hint: 'help lists what can be typed here',
    });
  }
  const context = { ...run.context, env: environmentFor(options, env) };
  const input = openInput();
  if (input.terminal === null || options.execute !== undefined) {
    return runCommands({ ...run, context }, command_line, options, input);
  }
  const is_json = options.json === true;
  return runInteractive({ command_line, context, is_json }, input, input.terminal);
}

/** `console`. */
export function addConsoleCommand(program: Command, run: CliRun, command_line: CommandLine): void {
  program
    .command('console')
    .description('a prompt for these commands, with completion and history; also runs scripts of them')
    .option(
      '-c, --execute <command>',
      'run this command instead of reading; may be repeated',
      collectCommands,
    )
    .option('--keep-going', 'in a script: go on after a command that failed')
    .addHelpText('after', help)
    .action(async (_options: unknown, command: Command) => {
      run.exit_code = await runConsole(run, command_line, command.optsWithGlobals<ConsoleOptions>());
    });
}
