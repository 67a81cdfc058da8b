import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../core/clock.js';
import type { View } from './render/view.js';

/** One of the two streams that a command writes to. */
export interface Output {
  write(text: string): void;
  /** Size of the terminal in characters; null if the stream goes somewhere else. */
  terminal(): { readonly columns: number; readonly rows: number } | null;
}

/** Ctrl-C and SIGTERM, for as long as somebody wants to hear of them instead of being ended. */
export interface Interrupt {
  /** Aborted with the signal's name as its reason. */
  readonly signal: AbortSignal;
  /** From now on signals end the process again. */
  release(): void;
}

/** A terminal that somebody types at. */
export interface Terminal {
  /** Where the keys are echoed; a real one knows its size and says when it changes. */
  readonly screen: Writable;
  /** Raw: every key comes at once and without echo, and Ctrl-C is a key like all others. */
  setRawMode(is_raw: boolean): void;
}

/** Standard input, for a command that reads commands from it. */
export interface CommandInput {
  readonly stream: Readable;
  /** Null if it is a pipe or a file. */
  readonly terminal: Terminal | null;
}

/** All that the command line needs of the process it runs in. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly stdout: Output;
  readonly stderr: Output;
  catchInterrupt(): Interrupt;
  /** Asks somebody at the terminal for a line; null if there is none. */
  ask(question: string): Promise<string | null>;
  /** Absent for a command that runs inside of a console, which reads standard input itself. */
  readonly openInput?: () => CommandInput;
}

/** How text for people is to look on `output`. */
export function viewOf(context: CliContext, output: Output): View {
  const terminal = output.terminal();
  const no_color = (context.env['NO_COLOR'] ?? '') !== '' || context.env['TERM'] === 'dumb';
  return {
    now_ms: context.clock.now(),
    columns: terminal?.columns ?? null,
    color: terminal !== null && !no_color,
  };
}

/**
 * Waits.
 * @param delay_ms how long, at most
 * @param signal ends the waiting early, without an error
 */
export function pause(clock: Clock, delay_ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delay_ms, end);
    signal?.addEventListener('abort', end);
  });
}
