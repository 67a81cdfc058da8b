/** A program at a real pseudo-terminal, with somebody who types and looks. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { until } from './fleet.js';

const bridge = new URL('terminal.py', import.meta.url).pathname;

export interface TerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

export class Terminal {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #command: string;
  #shown = '';
  /** What was looked at already. */
  #seen = 0;

  constructor(command: readonly string[], { env = {}, columns = 100, rows = 30 }: TerminalOptions = {}) {
    this.#command = command.join(' ');
    const args = [bridge, String(columns), String(rows), ...command];
    this.#process = spawn('python3', args, { env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...env } });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text;
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#shown += text;
    });
  }

  /** All that was shown, without colours and movements of the cursor. */
  get text(): string {
    return stripVTControlCharacters(this.#shown).replaceAll('\r', '');
  }

  type(keys: string): void {
    this.#process.stdin.write(keys);
  }

  /** Waits until `wanted` is shown behind what was waited for last; returns what was shown up to its end. */
  async see(wanted: string | RegExp, timeout_ms = 20_000): Promise<string> {
    let found = '';
    await until(
      () => {
        const text = this.text.slice(this.#seen);
        const match =
          typeof wanted === 'string'
            ? { index: text.indexOf(wanted), length: wanted.length }
            : { index: text.search(wanted), length: (wanted.exec(text)?.[0] ?? '').length };
        if (match.index < 0 && this.#process.exitCode !== null) {
          throw new Error(`${this.#command} ended and never showed ${String(wanted)}:\n${this.text}`);
        }
        if (match.index < 0) return false;
        found = text.slice(0, match.index + match.length);
        return true;
      },
      () =>
        `${this.#command} to show ${String(wanted)} behind\n${this.text.slice(0, this.#seen)}\n--- in:\n${this.text.slice(this.#seen)}`,
      timeout_ms,
    );
    this.#seen += found.length;
    return found;
  }

  /** Waits until the program has ended; returns its exit code. */
  async ended(timeout_ms = 30_000): Promise<number | null> {
    await until(
      () => this.#process.exitCode !== null || this.#process.signalCode !== null,
      () => `${this.#command} to end:\n${this.text}`,
      timeout_ms,
    );
    return this.#process.exitCode;
  }

  /** Takes the terminal away, as a lost connection does. */
  async hangUp(): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill('SIGKILL');
    await this.ended();
  }
}
