/** The console of a master that was started at a terminal: a process of its own, so that neither takes the other down. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { findProgram } from '../pipeline/program.js';
import type { Companion } from './node_process.js';

const program = new URL('../cli/icbdrep.js', import.meta.url).pathname;

/** How long the console may take to leave when it is told to, ms. */
const leave_ms_max = 3_000;

function commandLine(socket: string): [string, string[]] {
  const setpriv = findProgram('setpriv');
  // Without its master it would go on reading from a terminal that is the shell's again.
  const args = [program, 'console', '--socket', socket];
  return setpriv === undefined
    ? [process.execPath, args]
    : [setpriv, ['--pdeathsig', 'TERM', '--', process.execPath, ...args]];
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

/** What somebody at the terminal is to know before the first prompt. */
export function announceConsole(log_file: string): void {
  if (!process.stdin.isTTY) return;
  process.stderr.write(
    `icbdrepd: the master runs; its log goes to ${log_file}\n` +
      'icbdrepd: leaving this console stops the master in order; what was being sent goes on at the next start\n',
  );
}

/**
 * Starts `icbdrep console` on the same terminal, or on the same pipe as a script.
 * @param socket of the master that runs in this process
 */
export function startConsole(socket: string): Companion {
  const child = spawn(...commandLine(socket), { stdio: 'inherit' });
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`icbdrepd: the console cannot be started: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (code, signal) => resolve(exitCode(code, signal)));
  });
  return {
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), leave_ms_max);
      await ended;
      clearTimeout(late);
    },
  };
}
