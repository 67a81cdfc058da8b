/** The console at a terminal. */
import { chooseDaemon } from '../../client/choose_daemon.js';
import { ControlClient } from '../../client/control_client.js';
import { IcbdError } from '../../core/errors.js';
import type { CliContext, CommandInput, Terminal } from '../context.js';
import { exitCodeOfSignal, exit_codes } from '../exit_codes.js';
import { printable } from '../render/text.js';
import type { CommandLine } from './command_line.js';
import { type Completion, completeLine, completeNothing } from './complete.js';
import { type ConsoleState, consoleCommands } from './console_commands.js';
import { History } from './history.js';
import { HistoryFile, historyPath } from './history_file.js';
import { Keyboard } from './keyboard.js';
import { LineRunner } from './line_runner.js';
import { LiveNames } from './live_names.js';
import { Prompter } from './prompt.js';
import { Signals } from './signals.js';

export interface InteractiveOptions {
  readonly command_line: CommandLine;
  /** Its environment names the socket. */
  readonly context: CliContext;
  readonly is_json: boolean;
}

/** How long the first prompt waits for the daemon's name, ms. */
const greeting_ms_max = 1_000;

class InteractiveConsole {
  readonly #options: InteractiveOptions;
  readonly #signals: Signals;
  readonly #keyboard: Keyboard;
  readonly #prompter: Prompter;
  readonly #history: History;
  readonly #state: ConsoleState;
  readonly #runner: LineRunner;
  /** The daemon's node; empty while it is not known. */
  #node = '';

  constructor(options: InteractiveOptions, input: CommandInput, terminal: Terminal) {
    this.#options = options;
    const { context } = options;
    this.#signals = new Signals(context);
    this.#keyboard = new Keyboard(input, terminal, () => this.#signals.raise('SIGINT'));
    this.#prompter = new Prompter(this.#keyboard, terminal, this.#signals);
    const file = new HistoryFile(historyPath(context.env), context.clock);
    this.#history = new History(file, (text) => context.stderr.write(`icbdrep: ${printable(text)}\n`));
    this.#state = { is_over: false, history: () => this.#history.lines, is_input_taken: true };
    const ask = (question: string): Promise<string> => this.#ask(question);
    this.#runner = new LineRunner({ ...options, signals: this.#signals, state: this.#state, ask });
  }

  async run(): Promise<number> {
    this.#signals.open();
    this.#keyboard.open();
    try {
      await this.#history.load();
      await this.#greet();
      return await this.#loop();
    } finally {
      this.#keyboard.close();
      this.#signals.close();
    }
  }

  async #loop(): Promise<number> {
    while (!this.#state.is_over) {
      const typed = await this.#prompter.read({
        prompt: this.#prompt(),
        history: this.#history.lines,
        complete: (line) => this.#complete(line),
      });
      if (typed.kind === 'end') {
        this.#options.context.stderr.write('\n');
        break;
      }
      if (typed.kind === 'signal' && typed.signal !== 'SIGINT') return exitCodeOfSignal(typed.signal);
      if (typed.kind !== 'line') continue;
      await this.#history.add(typed.text);
      const signal = (await this.#runner.run(typed.text))?.signal ?? 'SIGINT';
      if (signal !== 'SIGINT') return exitCodeOfSignal(signal);
    }
    return exit_codes.ok;
  }

  /** Says where one is, and what is wrong if the daemon is not there; commands that need none work all the same. */
  async #greet(): Promise<void> {
    const { command_line, context, is_json } = this.#options;
    const late = new AbortController();
    const cancel = context.clock.after(greeting_ms_max, () => late.abort());
    try {
      const client = new ControlClient(chooseDaemon({}, context.env));
      const { node, role } = await client.status({ signal: late.signal });
      this.#node = node;
      const where = printable(node === role ? node : `${node}, a ${role}`);
      context.stderr.write(
        `icbdrep ${context.version}, console of ${where}. help lists the commands, Tab completes, Ctrl-D ends.\n`,
      );
    } catch (error) {
      command_line.fail(context, IcbdError.from(error, 'console'), is_json);
    } finally {
      cancel();
    }
  }

  #prompt(): string {
    if (this.#node !== '') return `icbdrep ${printable(this.#node)}> `;
    // For the prompt after this one: nobody waits for a daemon that is away.
    void this.#names(undefined)
      .self()
      .then(([node = '']) => {
        this.#node = node;
      });
    return 'icbdrep> ';
  }

  #names(socket: string | undefined): LiveNames {
    const { context } = this.#options;
    return new LiveNames(new ControlClient(chooseDaemon({ socket }, context.env)), context.clock);
  }

  #complete(line: string): Promise<Completion> {
    const { command_line, context } = this.#options;
    const program = command_line.describe(context, consoleCommands(this.#state));
    return completeLine(program, line, (socket) => this.#names(socket));
  }

  /** Ctrl-C and Ctrl-D are no answer, and so no yes. */
  async #ask(question: string): Promise<string> {
    const typed = await this.#prompter.read({ prompt: question, history: [], complete: completeNothing });
    return typed.kind === 'line' ? typed.text : '';
  }
}

/** Reads commands at a terminal and runs them, until somebody leaves. Returns the exit code. */
export function runInteractive(
  options: InteractiveOptions,
  input: CommandInput,
  terminal: Terminal,
): Promise<number> {
  return new InteractiveConsole(options, input, terminal).run();
}
