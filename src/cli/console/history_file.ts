/** The lines that were typed, kept from one console to the next. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../core/clock.js';
import { pause } from '../context.js';

export const history_lines_max = 1_000;

/** A lock that is older was left behind by a console that died, ms. */
const lock_age_ms_max = 5_000;
const lock_wait_ms = 10;

/** $XDG_STATE_HOME/icbdrep/history, or ~/.local/state/icbdrep/history; the environment's path counts only if it is absolute. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const state_home = env['XDG_STATE_HOME'] ?? '';
  const home = env['HOME'] ?? '';
  const base = path.isAbsolute(state_home)
    ? state_home
    : path.join(home === '' ? homedir() : home, '.local', 'state');
  return path.join(base, 'icbdrep', 'history');
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

async function readLines(file: string): Promise<string[]> {
  try {
    return linesOf(await readFile(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * The file that several consoles add to at the same time.
 * A lock file keeps them apart, since the one whose line is one too many writes the file anew.
 */
export class HistoryFile {
  readonly #file: string;
  readonly #clock: Clock;

  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /**
   * The last lines, oldest first; none if there is no file.
   * @throws NodeJS.ErrnoException
   */
  async read(): Promise<string[]> {
    return (await readLines(this.#file)).slice(-history_lines_max);
  }

  /**
   * Adds a line, unless it is the one that was added last.
   * @throws NodeJS.ErrnoException
   */
  async append(line: string): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const unlock = await this.#lock();
    try {
      const lines = await readLines(this.#file);
      if (lines.at(-1) === line) return;
      if (lines.length < history_lines_max) await this.#write(this.#file, 'a', line);
      else await this.#replace([...lines, line].slice(-history_lines_max));
    } finally {
      await unlock();
    }
  }

  async #write(file: string, flags: 'a' | 'w', text: string): Promise<void> {
    const handle = await open(file, flags, 0o600);
    try {
      // It may be a link to /dev/null, whose mode is not ours to change.
      if ((await handle.stat()).isFile()) await handle.chmod(0o600);
      await handle.writeFile(`${text}\n`);
    } finally {
      await handle.close();
    }
  }

  async #replace(lines: readonly string[]): Promise<void> {
    const file = await realpath(this.#file);
    const next = `${file}.new`;
    await this.#write(next, 'w', lines.join('\n'));
    await rename(next, file);
  }

  async #lock(): Promise<() => Promise<void>> {
    const lock = `${this.#file}.lock`;
    let handle: FileHandle | undefined;
    while (handle === undefined) {
      try {
        handle = await open(lock, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        await this.#waitFor(lock);
      }
    }
    await handle.close();
    return () => unlink(lock).catch(() => {});
  }

  async #waitFor(lock: string): Promise<void> {
    const found = await stat(lock).catch(() => undefined);
    if (found === undefined) return;
    if (Math.abs(this.#clock.now() - found.mtimeMs) > lock_age_ms_max) await unlink(lock).catch(() => {});
    else await pause(this.#clock, lock_wait_ms);
  }
}
