/** Child processes that end with us, say why they ended, and can be recognised if they outlive us. */
import { closeSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { type ErrorReport, IcbdError } from '../core/errors.js';
import { errorOfAbort, onAbort } from './abort_reason.js';
import { BlockReader } from './blocks.js';
import { openFifo } from './fifo.js';
import { findProgram, operationOf } from './program.js';

const stderr_tail_bytes = 4 * 1024;
/** A grandchild may hold stderr open after the child's end; nobody waits longer than this for it. */
const stderr_linger_ms = 1_000;
const kill_wait_ms = 5_000;

export interface ChildOptions {
  /** A path, or a name that is searched in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /**
   * A command line that runs the one that follows it, in its own place (exec): then it is still the same process, and
   * everything here is about the program.
   */
  readonly wrapper?: readonly string[];
  readonly stdin: 'none' | 'pipe';
  readonly stdout: 'none' | 'pipe';
  /** Stops the child when it aborts. */
  readonly signal?: AbortSignal;
  /** Called before `startChild` returns, so that an orphan can be found by pid and start time later. */
  readonly onStarted?: (pid: number, start_time: string) => void;
}

export interface ChildEnd {
  /** Null if it was killed, or never started. */
  readonly exit_code: number | null;
  /** For example `SIGKILL`. */
  readonly signal: string | null;
  /** The last 4 KiB of its stderr. */
  readonly stderr_tail: string;
}

export interface Child {
  readonly program: string;
  readonly args: readonly string[];
  /** Undefined if the system could not start it; `finished` then says why. */
  readonly pid: number | undefined;
  /** Clock ticks since boot, as /proc says it; empty if it is already gone. */
  readonly start_time: string;
  /** Its stdin; has an error listener, so that a broken pipe cannot end this process. */
  readonly stdin: Writable | undefined;
  readonly stdout: BlockReader | undefined;
  /** Never rejects. */
  readonly finished: Promise<ChildEnd>;
  /** The first reason that `stop` was called with while it ran. */
  readonly stop_reason: ErrorReport | undefined;
  /**
   * Ends it with SIGKILL; later calls change nothing. Not SIGTERM: neither btrfs send nor receive has anything to
   * put in order at its end, and a stopped or hung one would not see it.
   */
  stop(reason: ErrorReport): void;
}

/**
 * Starts a program that is killed by the kernel when this process dies, even by SIGKILL (where `setpriv` exists).
 * @throws IcbdError `ProgramNotFound`; what `signal` was aborted with
 */
export function startChild(options: ChildOptions): Child {
  const { program, signal, onStarted } = options;
  const operation = operationOf(options);
  if (signal?.aborted === true) throw errorOfAbort(signal, operation, program);
  const path = findProgram(program);
  if (path === undefined) {
    const hint = `install ${program}, or put its directory in PATH`;
    throw new IcbdError('ProgramNotFound', `${program} is not installed`, {
      operation,
      subject: program,
      hint,
    });
  }
  const child = new RunningChild(options, path);
  try {
    if (child.pid !== undefined) onStarted?.(child.pid, child.start_time);
  } catch (thrown) {
    const error = IcbdError.from(thrown, operation, program);
    child.stop(error.toReport());
    throw error;
  }
  if (signal !== undefined) {
    const forget = onAbort(signal, () => child.stop(errorOfAbort(signal, operation, program).toReport()));
    void child.finished.then(forget);
  }
  return child;
}

let setpriv: string | null | undefined;

function commandLine(path: string, { wrapper = [], args }: ChildOptions): [string, string[]] {
  setpriv ??= findProgram('setpriv') ?? null;
  const tied = setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const [first = path, ...rest] = [...tied, ...wrapper, path, ...args];
  return [first, rest];
}

/** execa takes every descriptor; its types know the small ones only. */
type Descriptor = 3;

function spawn(options: ChildOptions, path: string, stdout: 'ignore' | 'pipe' | Descriptor) {
  return execa(...commandLine(path, options), {
    stdin: options.stdin === 'pipe' ? 'pipe' : 'ignore',
    stdout,
    stderr: 'pipe',
    buffer: false,
    reject: false,
    env: { LC_ALL: 'C' },
  });
}

class RunningChild implements Child {
  readonly program: string;
  readonly args: readonly string[];
  readonly pid: number | undefined;
  readonly start_time: string;
  readonly stdin: Writable | undefined;
  readonly stdout: BlockReader | undefined;
  readonly finished: Promise<ChildEnd>;
  readonly #process: ReturnType<typeof spawn>;
  #stop_reason: ErrorReport | undefined;
  #has_ended = false;

  constructor(options: ChildOptions, path: string) {
    this.program = options.program;
    this.args = options.args;
    const fifo = options.stdout === 'pipe' ? openFifo() : undefined;
    const stdout =
      options.stdout === 'none' ? 'ignore' : ((fifo?.write_fd as Descriptor | undefined) ?? 'pipe');
    this.#process = spawn(options, path, stdout);
    if (fifo !== undefined) closeSync(fifo.write_fd);
    this.pid = this.#process.pid;
    this.start_time = this.pid === undefined ? '' : (startTimeOf(this.pid) ?? '');
    this.stdin = this.#process.stdin ?? undefined;
    this.stdin?.on('error', () => undefined);
    if (fifo !== undefined) this.stdout = BlockReader.fromFifo(fifo.read_fd);
    else if (this.#process.stdout !== null) this.stdout = BlockReader.fromStream(this.#process.stdout);
    this.finished = this.#watch();
  }

  get stop_reason(): ErrorReport | undefined {
    return this.#stop_reason;
  }

  stop(reason: ErrorReport): void {
    if (this.#has_ended || this.#stop_reason !== undefined) return;
    this.#stop_reason = reason;
    this.#process.kill('SIGKILL');
    // After the signal: a receiver that saw the end of its input first might think that it has all of it.
    this.stdin?.destroy();
    this.stdout?.destroy();
  }

  async #watch(): Promise<ChildEnd> {
    let tail: Buffer = Buffer.alloc(0);
    const { stderr } = this.#process;
    stderr?.on('error', () => undefined);
    stderr?.on('data', (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-stderr_tail_bytes);
    });
    let linger: NodeJS.Timeout | undefined;
    let ended: { exit_code: number | null; signal: string | null } | undefined;
    this.#process.once('exit', (exit_code, signal) => {
      this.#has_ended = true;
      ended = { exit_code, signal };
      linger = setTimeout(() => stderr?.destroy(), this.#stop_reason === undefined ? stderr_linger_ms : 0);
    });
    const result = await this.#process;
    clearTimeout(linger);
    this.#has_ended = true;
    const stderr_tail = tail.toString() || (ended === undefined ? (result.originalMessage ?? '') : '');
    return { exit_code: null, signal: null, ...ended, stderr_tail };
  }
}

/** Field 22 of /proc/PID/stat; undefined if there is no such process, or only its remains. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether the process that had this pid and start time still runs; a pid alone may be another's by now. */
export function isSameProcess(pid: number, start_time: string): boolean {
  return start_time !== '' && startTimeOf(pid) === start_time;
}

/**
 * Kills a process that an earlier run left behind, and waits until it is gone, at most 5 s.
 * @returns false if it is not there any more
 * @throws IcbdError `ProcessFailed` if it does not go away, or may not be killed
 */
export async function killLeftover(pid: number, start_time: string): Promise<boolean> {
  if (!isSameProcess(pid, start_time)) return false;
  const details = { operation: 'kill leftover process', subject: String(pid) };
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    if (!isSameProcess(pid, start_time)) return false;
    throw new IcbdError('ProcessFailed', `process ${pid} cannot be killed`, { ...details, cause });
  }
  for (let waited_ms = 0; isSameProcess(pid, start_time); waited_ms += 20) {
    if (waited_ms >= kill_wait_ms) {
      const hint = 'it may wait for a disk; look at its state with ps';
      throw new IcbdError('ProcessFailed', `process ${pid} does not end`, { ...details, hint });
    }
    await sleep(20);
  }
  return true;
}
