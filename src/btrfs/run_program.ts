import { execa } from 'execa';
import { IcbdError } from '../core/errors.js';

export interface ProgramResult {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a short program to its end; any exit code is a result.
 * @throws IcbdError `ProgramNotFound`, `TimedOut`, `Cancelled` (by the signal; if its reason is an IcbdError, that),
 *   `ProcessFailed` (killed, or it could not be started)
 */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options: { readonly signal?: AbortSignal; readonly timeout_ms?: number },
) => Promise<ProgramResult>;

/** So that messages and times can be parsed on every machine. */
export const program_environment = { LC_ALL: 'C', TZ: 'UTC' } as const;

/** Enough for the list of some 100,000 subvolumes; what writes more is stopped. */
const output_bytes_max = 64 * 1024 * 1024;

export function programNotFound(program: string, cause?: unknown): IcbdError {
  const is_btrfs = program === 'btrfs';
  return new IcbdError('ProgramNotFound', `the program ${program} is not installed`, {
    operation: `run ${program}`,
    subject: program,
    hint: is_btrfs ? 'apt-get install btrfs-progs' : `install ${program}, and see that it is in PATH`,
    cause,
  });
}

/** What an aborted signal says about why. */
export function cancelledBy(signal: AbortSignal, operation: string, subject: string): IcbdError {
  if (signal.reason instanceof IcbdError) return signal.reason;
  return new IcbdError('Cancelled', `${operation} was stopped`, { operation, subject, cause: signal.reason });
}

/** `RunProgram` with real processes. */
export const runProgram: RunProgram = async (program, args, { signal, timeout_ms }) => {
  const operation = [program, ...args.slice(0, 2)].join(' ');
  const subject = args.at(-1) ?? '';
  const result = await execa(program, args, {
    reject: false,
    stdin: 'ignore',
    env: program_environment,
    maxBuffer: output_bytes_max,
    stripFinalNewline: false,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    ...(timeout_ms === undefined ? {} : { timeout: timeout_ms }),
  });
  if (result.isCanceled && signal !== undefined) throw cancelledBy(signal, operation, subject);
  if (result.timedOut) {
    throw new IcbdError('TimedOut', `${operation} took longer than ${timeout_ms} ms`, { operation, subject });
  }
  if (result.code === 'ENOENT') throw programNotFound(program, result.cause);
  if (result.exitCode === undefined || result.isMaxBuffer) {
    throw new IcbdError(
      'ProcessFailed',
      `${operation} ended early: ${result.shortMessage ?? 'no exit code'}`,
      {
        operation,
        subject,
        cause: result.cause,
      },
    );
  }
  return { exit_code: result.exitCode, stdout: result.stdout, stderr: result.stderr };
};
