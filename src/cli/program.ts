import { Command, CommanderError, Help } from 'commander';
import { IcbdError } from '../core/errors.js';
import { addApiCommand } from './commands/api.js';
import { addCodecCommands } from './commands/codec.js';
import { addConsoleCommand } from './commands/console.js';
import { addDemoCommand } from './commands/demo.js';
import { addDiagramCommands } from './commands/diagram.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addExportCommands } from './commands/export.js';
import { addFleetCommand } from './commands/fleet.js';
import { addImageCommands } from './commands/images.js';
import { addNameCommands } from './commands/names.js';
import { addSelfCommands } from './commands/node.js';
import { addNodeCommands } from './commands/nodes.js';
import { addRedriveCommand } from './commands/redrive.js';
import { addReplicaCommands } from './commands/replicas.js';
import { addSnapshotCommands } from './commands/snapshots.js';
import { addSendCommand } from './commands/send.js';
import { addStreamCommands } from './commands/stream.js';
import { addTransferCommands } from './commands/transfers.js';
import { addActorCommands, addTransferVerbs } from './commands/transfer_verbs.js';
import { addViewCommand } from './commands/view.js';
import type { Extension } from './console/command_line.js';
import type { CliContext } from './context.js';
import { exitCodeOf, exit_codes } from './exit_codes.js';
import { printable } from './render/text.js';
import type { CliRun } from './session.js';

const examples = `
Examples:
  icbdrep demo                            see it all work, on loop devices, in a minute
  icbdrep image add vm1                   replicate the image vm1 of this node
  icbdrep image add vm1 --node replica1   let replica1 take it
  icbdrep snapshot create vm1             take the next snapshot
  icbdrep send vm1 3 --to all --wait      send it everywhere, and watch
  icbdrep transfers --state resting       what failed and waits for its next try
  icbdrep transfer show 4f2a              where one stands, why, and what happens next
  icbdrep transfer history 4f2a           every step it took
  icbdrep transfer watch 4f2a             follow it until it is over
  icbdrep snapshot verify vm1 3           is every copy of it the same, content and metadata?
  icbdrep doctor                          what is wrong here, and what to do about it
  icbdrep console                         a prompt for all of these, with completion and history
  icbdrep fleet                           which replica is in sync, and how far the others are behind
  icbdrep replicas --json | jq            for scripts

Exit codes: 0 done, 2 usage, 10 not found, 11 exists already, 12 not allowed now, 13 link or replica,
  14 runs already, 15 no daemon, 20 send --wait, transfer watch: not all completed, 130 interrupted,
  1 all else, and snapshot verify that finds a difference, and doctor that finds something wrong.
`;

/** The commands that do something: groups show as what is in them. */
function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/** Lists all commands of all groups at once, with their arguments. */
class FlatHelp extends Help {
  override visibleCommands(command: Command): Command[] {
    return leaves(command).filter((leaf) => leaf !== command);
  }

  override subcommandTerm(command: Command): string {
    const group = command.parent?.parent === null ? '' : `${command.parent?.name() ?? ''} `;
    const names = command.registeredArguments.map((argument) => {
      const name = `${argument.name().toUpperCase()}${argument.variadic ? '...' : ''}`;
      return argument.required ? ` ${name}` : ` [${name}]`;
    });
    return `${group}${command.name()}${names.join('')}`;
  }
}

function createHelp(): Help {
  return Object.assign(new FlatHelp(), { showGlobalOptions: true });
}

function makeProgram(run: CliRun, extend: Extension): Command {
  const { context } = run;
  const program = new Command('icbdrep');
  program
    .description('Replicates btrfs snapshots of VM images: talks to the icbdrepd of this machine.')
    .version(context.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help; also for each command')
    .option('--socket <path>', "the daemon's socket (default: $ICBDREP_SOCKET, or the one in /run/icbdrep)")
    .option(
      '--url <url>',
      'a daemon elsewhere, http://HOST:PORT or https://HOST:PORT (default: $ICBDREP_URL)',
    )
    .option('--token-file <file>', 'with --url: its token (default: $ICBDREP_TOKEN_FILE)')
    .option('--ca-file <file>', 'with --url: the certificate to trust (default: $ICBDREP_CA_FILE)')
    .option('--json', 'print the answer as one JSON value; errors as JSON on stderr')
    .addHelpText('after', examples)
    .helpCommand(false)
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // runCli prints errors, all in one way.
      outputError: () => {},
      getOutHelpWidth: () => context.stdout.terminal()?.columns ?? 100,
      getErrHelpWidth: () => context.stderr.terminal()?.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  addNodeCommands(program, run);
  addSelfCommands(program, run);
  addReplicaCommands(program, run);
  addFleetCommand(program, run);
  addImageCommands(program, run);
  addSnapshotCommands(program, run);
  addSendCommand(program, run);
  const transfer = addTransferCommands(program, run);
  addTransferVerbs(transfer, run);
  addRedriveCommand(program, run);
  addActorCommands(program, run);
  addDiagramCommands(program, run);
  addExportCommands(program, run);
  addViewCommand(program, run);
  addStreamCommands(program, run);
  addCodecCommands(program, run);
  addNameCommands(program, run);
  addDoctorCommand(program, run);
  addApiCommand(program, run);
  addDemoCommand(program, run);
  addConsoleCommand(program, run, {
    run: runCli,
    describe: (described, extension) => makeProgram({ context: described, exit_code: 0 }, extension),
    fail: printError,
  });
  extend(program, run);
  // Groups are made by `command()`, which makes plain Commands.
  for (const command of [program, ...program.commands, ...leaves(program)]) {
    command.createHelp = createHelp;
  }
  return program;
}

/** The words of `argv` that name a command, for the hint. */
function namedCommand(program: Command, argv: readonly string[]): string {
  const words = [program.name()];
  let current = program;
  for (const word of argv) {
    const next = current.commands.find((command) => command.name() === word);
    if (next === undefined) continue;
    words.push(word);
    current = next;
  }
  return words.join(' ');
}

function usageError(error: CommanderError, program: Command, argv: readonly string[]): IcbdError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const command = namedCommand(program, argv);
  return new IcbdError('InvalidArgument', message, {
    operation: 'read the command line',
    subject: argv.join(' '),
    hint: `see ${command} --help`,
    cause: error,
  });
}

/** @returns its exit code */
function printError(context: CliContext, error: IcbdError, is_json: boolean): number {
  if (is_json) {
    context.stderr.write(`${JSON.stringify({ error: error.toReport() })}\n`);
    return exitCodeOf(error);
  }
  context.stderr.write(`icbdrep: ${printable(error.message)} [${error.code}]\n`);
  if (error.hint !== '') context.stderr.write(`hint: ${printable(error.hint)}\n`);
  return exitCodeOf(error);
}

function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/**
 * Runs one command line.
 * @param argv without the program's name
 * @param extend adds the commands that only a console has
 * @returns the exit code; never throws
 */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  extend: Extension = () => {},
): Promise<number> {
  const run: CliRun = { context, exit_code: exit_codes.ok };
  const program = makeProgram(run, extend);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return run.exit_code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return exit_codes.ok;
      // The help of a group without its command stands on stderr already.
      if (thrown.code === 'commander.help') return exit_codes.usage;
      printError(context, usageError(thrown, program, argv), asksForJson(argv));
      return exit_codes.usage;
    }
    return printError(context, IcbdError.from(thrown, 'icbdrep'), asksForJson(argv));
  }
}
