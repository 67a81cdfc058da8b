/** Commands that nobody types: from a pipe, a file or the command line. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { IcbdError } from '../../core/errors.js';
import type { CliContext } from '../context.js';
import { exit_codes } from '../exit_codes.js';
import { printable } from '../render/text.js';
import type { LineRunner } from './line_runner.js';
import type { Signals } from './signals.js';

/** Longest line that is taken, in characters; what is longer is no script. */
const line_characters_max = 1024 * 1024;

/**
 * The lines of a stream, as they come; the last one may lack its end.
 * @throws IcbdError `InvalidArgument` for a line of over a million characters
 */
export async function* readLines(stream: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.replace(/\r$/, '');
    if (rest.length > line_characters_max) {
      throw new IcbdError('InvalidArgument', `a line is longer than ${line_characters_max} characters`, {
        operation: 'read commands',
        hint: 'standard input is to be commands, one on each line',
      });
    }
  }
  rest += decoder.end();
  if (rest !== '') yield rest;
}

export interface ScriptOptions {
  readonly context: CliContext;
  readonly runner: LineRunner;
  readonly signals: Signals;
  /** What one of them is called where it failed. */
  readonly unit: 'line' | 'command';
  readonly is_json: boolean;
  readonly keeps_going: boolean;
  readonly isOver: () => boolean;
}

function tellFailure(options: ScriptOptions, number: number, text: string, exit_code: number): void {
  const { context, is_json, unit } = options;
  const shown = is_json
    ? JSON.stringify({ failed: { [unit]: number, command: text, exit_code } })
    : `${unit} ${number}: ${printable(text)}`;
  context.stderr.write(`${shown}\n`);
}

/**
 * Runs commands one after the other, up to the first that fails, or all of them if it is to keep going.
 * @returns the exit code of the first that failed
 */
export async function runScript(
  commands: AsyncIterable<string> | Iterable<string>,
  options: ScriptOptions,
): Promise<number> {
  const { runner, signals, keeps_going, isOver } = options;
  let result: number = exit_codes.ok;
  let number = 0;
  for await (const command of commands) {
    number += 1;
    // Between commands a signal ends the process, as it ends any other.
    signals.open();
    const ended = await runner.run(command).finally(() => signals.close());
    if (isOver()) break;
    if (ended === undefined || ended.exit_code === exit_codes.ok) continue;
    tellFailure(options, number, command.trim(), ended.exit_code);
    if (result === exit_codes.ok) result = ended.exit_code;
    if (!keeps_going || ended.signal !== undefined) break;
  }
  return result;
}
