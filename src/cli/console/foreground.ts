/** Runs one command so that Ctrl-C ends it, or the waiting for it, and never the console. */
import type { CliContext, Interrupt, Output } from '../context.js';
import { exitCodeOfSignal } from '../exit_codes.js';
import type { Signals } from './signals.js';

export interface Ended {
  readonly exit_code: number;
  /** The first signal that came while it ran. */
  readonly signal: string | undefined;
}

/** A command as it runs. */
class Foreground {
  readonly #context: CliContext;
  readonly #ask: CliContext['ask'];
  /** Of those who wish to hear of a signal instead of being left. */
  readonly #wishes = new Set<AbortController>();
  #is_left = false;
  #signal: string | undefined;

  constructor(context: CliContext, ask: CliContext['ask']) {
    this.#context = context;
    this.#ask = ask;
  }

  run(signals: Signals, work: (context: CliContext) => Promise<number>): Promise<Ended> {
    return new Promise((resolve, reject) => {
      const stop = signals.listen((signal) => {
        this.#signal ??= signal;
        if (!this.#tell(signal)) end(this.#leave(signal));
      });
      const end = (exit_code: number): void => {
        stop();
        resolve({ exit_code, signal: this.#signal });
      };
      work(this.#contextOfCommand()).then(end, reject);
    });
  }

  /** @returns whether somebody heard of it who had not been told before */
  #tell(signal: string): boolean {
    const untold = [...this.#wishes].filter((wish) => !wish.signal.aborted);
    for (const wish of untold) wish.abort(signal);
    return untold.length > 0;
  }

  #leave(signal: string): number {
    this.#is_left = true;
    this.#context.stderr.write(
      'icbdrep: waits no longer for an answer; what was asked for may be done yet\n',
    );
    return exitCodeOfSignal(signal);
  }

  #contextOfCommand(): CliContext {
    const { openInput: _none, ...context } = this.#context;
    return {
      ...context,
      stdout: this.#unlessLeft(context.stdout),
      stderr: this.#unlessLeft(context.stderr),
      catchInterrupt: () => this.#catch(),
      ask: this.#ask,
    };
  }

  /** What comes after the prompt is back would be written into the next line. */
  #unlessLeft(output: Output): Output {
    return {
      write: (text) => {
        if (!this.#is_left) output.write(text);
      },
      terminal: () => output.terminal(),
    };
  }

  #catch(): Interrupt {
    const wish = new AbortController();
    this.#wishes.add(wish);
    return { signal: wish.signal, release: () => this.#wishes.delete(wish) };
  }
}

/**
 * Runs a command. A signal goes to it if it catches signals; otherwise, or if it is the second one, it is left alone
 * and unheard, and the console goes on.
 * @param ask how it asks somebody at the terminal
 */
export function runInForeground(
  context: CliContext,
  signals: Signals,
  ask: CliContext['ask'],
  work: (context: CliContext) => Promise<number>,
): Promise<Ended> {
  return new Foreground(context, ask).run(signals, work);
}
