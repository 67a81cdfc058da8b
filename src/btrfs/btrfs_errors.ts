/** What the btrfs program complains about, as errors with a hint. */
import { IcbdError } from '../core/errors.js';
import { complaintIn } from '../pipeline/complaints.js';
import type { ProgramResult } from './run_program.js';

/** The error for a program that ended with an exit code but 0. */
export function btrfsError(operation: string, subject: string, result: ProgramResult): IcbdError {
  const lines = result.stderr
    .split('\n')
    .map((line) => line.replace(/^ERROR: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('WARNING'));
  const message = lines.join('; ') || `${operation} ended with exit code ${result.exit_code}`;
  const complaint = complaintIn(result.stderr);
  return new IcbdError(complaint?.code ?? 'BtrfsFailed', message, {
    operation,
    subject,
    hint: complaint?.hint ?? '',
    ...(complaint?.retryable === undefined ? {} : { retryable: complaint.retryable }),
  });
}

/** The same for a failed system call of our own: `ENOSPC`, `EROFS`, `EACCES`, `EPERM`, `EIO` say the same things. */
export function systemError(operation: string, subject: string, thrown: unknown): IcbdError {
  if (thrown instanceof IcbdError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const texts: Readonly<Record<string, string>> = {
    ENOSPC: 'No space left on device',
    EDQUOT: 'Disk quota exceeded',
    EROFS: 'Read-only file system',
    EACCES: 'Permission denied',
    EPERM: 'Operation not permitted',
    EIO: 'Input/output error',
  };
  const code = errnoOf(thrown);
  const text = texts[code ?? ''];
  if (text === undefined) return IcbdError.from(thrown, operation, subject);
  const found = complaintIn(text);
  return new IcbdError(found?.code ?? 'BtrfsFailed', message, {
    operation,
    subject,
    hint: found?.hint ?? '',
    cause: thrown,
  });
}

/** `ENOENT` and the like; undefined if it is no error of a system call. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
