import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './program.js';

/** Both ends of a pipe; the owner closes them. */
export interface Fifo {
  /** Does not block: for the event loop. */
  readonly read_fd: number;
  /** Blocks: for a child, which expects that of its stdout. */
  readonly write_fd: number;
}

/**
 * A real pipe, which Node has no call for: its own "pipes" to children are socket pairs that it reads in pieces of
 * 64 KiB, each in a buffer of its own. The name exists only for the moment in which it is opened.
 *
 * @returns undefined where that is not possible (no `mkfifo`, no place for it)
 */
export function openFifo(): Fifo | undefined {
  const mkfifo = findProgram('mkfifo');
  if (mkfifo === undefined) return undefined;
  let directory: string | undefined;
  let read_fd: number | undefined;
  try {
    directory = mkdtempSync(join(tmpdir(), 'icbdrep-fifo-'));
    const path = join(directory, 'fifo');
    execFileSync(mkfifo, ['-m', '600', path], { stdio: 'ignore' });
    // In this order: a reader that does not block needs no writer, and the writer then finds a reader.
    read_fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { read_fd, write_fd: openSync(path, constants.O_WRONLY) };
  } catch {
    if (read_fd !== undefined) closeSync(read_fd);
    return undefined;
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}
