/** The keys of a terminal, given out one line at a time: what is typed or pasted ahead waits for its prompt. */
import { Readable } from 'node:stream';
import type { CommandInput, Terminal } from '../context.js';

const carriage_return = 0x0d;
const line_feed = 0x0a;
const ctrl_c = 0x03;

/** Bytes typed ahead that are kept while a command runs. */
const ahead_bytes_max = 1024 * 1024;

/** Where the first line of `keys` ends, its line end included; -1 if it does not. */
function endOfLine(keys: Buffer): number {
  const end = keys.findIndex((key) => key === carriage_return || key === line_feed);
  if (end < 0) return -1;
  return keys[end] === carriage_return && keys[end + 1] === line_feed ? end + 2 : end + 1;
}

export class Keyboard {
  readonly #stream: Readable;
  readonly #terminal: Terminal;
  readonly #onInterrupt: () => void;
  #ahead = Buffer.alloc(0);
  /** The line that is typed now. */
  #line: Readable | undefined;
  #has_ended = false;

  /** @param onInterrupt Ctrl-C while nobody reads a line */
  constructor({ stream }: CommandInput, terminal: Terminal, onInterrupt: () => void) {
    this.#stream = stream;
    this.#terminal = terminal;
    this.#onInterrupt = onInterrupt;
  }

  open(): void {
    // Not for a prompt only: echoed keys would tear what a command draws, and Ctrl-C would hit the daemon beside us.
    this.#terminal.setRawMode(true);
    this.#stream.on('data', this.#take).on('end', this.#end).on('error', this.#end).on('close', this.#end);
  }

  close(): void {
    this.#stream.off('data', this.#take).off('end', this.#end).off('close', this.#end);
    this.#stream.pause();
    this.#terminal.setRawMode(false);
  }

  /** The keys of the next line up to its end; it ends without one when the terminal is gone. */
  openLine(): Readable {
    const line = new Readable({ read: () => {} });
    this.#line = line;
    this.#feed();
    return line;
  }

  closeLine(): void {
    this.#line = undefined;
  }

  /** Forgets what was typed ahead. */
  forget(): void {
    this.#ahead = Buffer.alloc(0);
  }

  readonly #take = (keys: Buffer): void => {
    if (this.#line === undefined && keys.includes(ctrl_c)) {
      this.#ahead = Buffer.from(keys.subarray(keys.lastIndexOf(ctrl_c) + 1));
      this.#onInterrupt();
      return;
    }
    if (this.#ahead.length + keys.length > ahead_bytes_max) return;
    this.#ahead = Buffer.concat([this.#ahead, keys]);
    this.#feed();
  };

  readonly #end = (): void => {
    this.#has_ended = true;
    this.#feed();
  };

  #feed(): void {
    const line = this.#line;
    if (line === undefined) return;
    const end = endOfLine(this.#ahead);
    const keys = end < 0 ? this.#ahead : this.#ahead.subarray(0, end);
    this.#ahead = this.#ahead.subarray(keys.length);
    if (keys.length > 0) line.push(keys);
    if (end >= 0) this.#line = undefined;
    else if (this.#has_ended) {
      line.push(null);
      this.#line = undefined;
    }
  }
}
