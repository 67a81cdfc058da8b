/** What the btrfs program complains about, as errors with a hint. */
import { type ErrorCode, IcbdError } from '../core/errors.js';
import type { ProgramResult } from './run_program.js';

interface Complaint {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retryable?: boolean;
}

/** The text after the colon is the C library's for errno, in English since LC_ALL=C is set. */
const complaints: readonly Complaint[] = [
  {
    pattern: /No space left on device/,
    code: 'NoSpace',
    hint: 'delete old snapshots or add a disk; "btrfs filesystem usage" tells whether metadata is what is full',
  },
  {
    pattern: /Disk quota exceeded/,
    code: 'NoSpace',
    hint: 'a quota group is at its limit: "btrfs qgroup show -r PATH"',
  },
  {
    pattern: /Operation not permitted|Permission denied/,
    code: 'NotPermitted',
    hint: 'the daemon must run as root, or with CAP_SYS_ADMIN',
  },
  {
    pattern: /Read-only file system/,
    code: 'BtrfsFailed',
    hint: 'the target is a read-only subvolume, or the filesystem is: mounted so, or by the kernel after an error; see dmesg',
  },
  {
    pattern: /Input\/output error|Structure needs cleaning/,
    code: 'BtrfsFailed',
    hint: 'the disk or the filesystem is damaged: see dmesg and "btrfs device stats"',
  },
  {
    pattern: /not a btrfs filesystem/i,
    code: 'BtrfsPathNotFound',
    hint: 'the path must lie on a mounted btrfs',
  },
  {
    pattern: /Invalid cross-device link/,
    code: 'BtrfsFailed',
    hint: 'source and target must lie on the same btrfs',
    retryable: false,
  },
  {
    pattern: /Directory not empty/,
    code: 'BtrfsFailed',
    hint: 'it holds other subvolumes; they are never deleted along with it',
    retryable: false,
  },
];

/** The error for a program that ended with an exit code but 0. */
export function btrfsError(operation: string, subject: string, result: ProgramResult): IcbdError {
  const lines = result.stderr
    .split('\n')
    .map((line) => line.replace(/^ERROR: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('WARNING'));
  const message = lines.join('; ') || `${operation} ended with exit code ${result.exit_code}`;
  const complaint = complaints.find(({ pattern }) => pattern.test(result.stderr));
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
  const found = complaints.find(({ pattern }) => pattern.test(text));
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
