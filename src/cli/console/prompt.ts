/** One line that somebody types, with editing, history and Tab. */
import { createInterface } from 'node:readline';
import { callbackify } from 'node:util';
import type { Terminal } from '../context.js';
import type { Completion } from './complete.js';
import type { Keyboard } from './keyboard.js';
import type { Signals } from './signals.js';

export type Typed =
  | { readonly kind: 'line'; readonly text: string }
  /** Ctrl-C: another line, please. */
  | { readonly kind: 'interrupted' }
  /** Ctrl-D, or the terminal is gone. */
  | { readonly kind: 'end' }
  | { readonly kind: 'signal'; readonly signal: string };

export interface PromptOptions {
  readonly prompt: string;
  /** Oldest first. */
  readonly history: readonly string[];
  /** What Tab does with the line up to the cursor; never rejects. */
  readonly complete: (line: string) => Promise<Completion>;
}

export class Prompter {
  readonly #keyboard: Keyboard;
  readonly #terminal: Terminal;
  readonly #signals: Signals;

  constructor(keyboard: Keyboard, terminal: Terminal, signals: Signals) {
    this.#keyboard = keyboard;
    this.#terminal = terminal;
    this.#signals = signals;
  }

  /** Reads one line; an interface for each, so that none is read before its prompt stands. */
  read({ prompt, history, complete }: PromptOptions): Promise<Typed> {
    const { screen } = this.#terminal;
    const lines = createInterface({
      input: this.#keyboard.openLine(),
      output: screen,
      terminal: true,
      prompt,
      history: history.toReversed(),
      historySize: history.length + 1,
      completer: callbackify(complete),
    });
    return new Promise((resolve) => {
      const end = (typed: Typed): void => {
        stop();
        resolve(typed);
        this.#keyboard.closeLine();
        lines.close();
      };
      const stop = this.#signals.listen((signal) => {
        screen.write('\n');
        end({ kind: 'signal', signal });
      });
      lines.once('line', (text) => end({ kind: 'line', text }));
      lines.once('SIGINT', () => {
        // Behind the end of the line, for it may take several rows.
        lines.write(null, { ctrl: true, name: 'e' });
        screen.write('^C\n');
        this.#keyboard.forget();
        end({ kind: 'interrupted' });
      });
      // Stopping the console alone would leave its terminal to nobody.
      lines.on('SIGTSTP', () => {});
      lines.once('close', () => end({ kind: 'end' }));
      lines.prompt();
    });
  }
}
