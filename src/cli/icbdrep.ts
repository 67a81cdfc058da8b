#!/usr/bin/env node
/** The program `icbdrep`: the one place of the command line that touches the process. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import type { WriteStream } from 'node:tty';
import type { CliContext, CommandInput, Interrupt, Output } from './context.js';
import { exitCodeOfSignal } from './exit_codes.js';
import { runCli } from './program.js';

function outputOf(stream: WriteStream): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    terminal: () => (stream.isTTY ? { columns: stream.columns, rows: stream.rows } : null),
  };
}

function catchInterrupt(): Interrupt {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const abort = (signal: NodeJS.Signals): void => controller.abort(signal);
  for (const signal of signals) process.on(signal, abort);
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) process.removeListener(signal, abort);
    },
  };
}

async function ask(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-D is no answer, and so no yes.
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

function openInput(): CommandInput {
  const { stdin, stdout, stderr } = process;
  const screen = stdout.isTTY ? stdout : stderr;
  const is_terminal = stdin.isTTY && screen.isTTY;
  const setRawMode = (is_raw: boolean): void => {
    stdin.setRawMode(is_raw);
  };
  return { stream: stdin, terminal: is_terminal ? { screen, setRawMode } : null };
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const context: CliContext = {
  env: process.env,
  version: readVersion(),
  clock: {
    now: () => Date.now(),
    after: (delay_ms, work) => {
      const timer = setTimeout(work, delay_ms);
      return () => clearTimeout(timer);
    },
  },
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  catchInterrupt,
  ask,
  openInput,
};

// As a program ends that does not catch SIGPIPE: a reader such as `head` has seen enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodeOfSignal('SIGPIPE'));
    throw error;
  });
}

/** Waits until all that was written has left the process. */
function flush(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

const exit_code = await runCli(process.argv.slice(2), context);
await Promise.all([flush(process.stdout), flush(process.stderr)]);
// Nothing that still hangs may hold the process: its answer is out.
process.exit(exit_code);
