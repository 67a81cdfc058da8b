import { IcbdError } from '../core/errors.js';
import type { Child, ChildEnd } from './child.js';
import { complaintIn } from './complaints.js';
import { operationOf } from './program.js';

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}

function describeEnd(end: ChildEnd): string {
  if (end.signal !== null) return `was killed by ${end.signal}`;
  return end.exit_code === null ? 'could not be started' : `ended with exit code ${end.exit_code}`;
}

/**
 * Why a child did not end well: the reason it was stopped with, `NoSpace`, else `BtrfsFailed` or `ProcessFailed`
 * with the last line of its stderr. Undefined for exit code 0.
 */
export function failureOfChild(child: Child, end: ChildEnd): IcbdError | undefined {
  if (end.exit_code === 0) return undefined;
  if (child.stop_reason !== undefined) return IcbdError.fromReport(child.stop_reason);
  return failureOf(child, end, describeEnd(end));
}

/** The error for a child that closed its stdin before the stream was over, whatever its exit code. */
export function failureOfEarlyEnd(child: Child, end: ChildEnd): IcbdError {
  return failureOfChild(child, end) ?? failureOf(child, end, 'ended before it had read the whole stream');
}

function failureOf(child: Child, end: ChildEnd, how: string): IcbdError {
  const operation = operationOf(child);
  const details = { operation, subject: child.args.at(-1) ?? '' };
  const line = lastLine(end.stderr_tail);
  const message = `${operation} ${how}${line === '' ? '' : `: ${line}`}`;
  const is_btrfs = (child.program.split('/').at(-1) ?? '') === 'btrfs';
  const complaint = complaintIn(end.stderr_tail);
  const code = complaint?.code === 'NoSpace' || is_btrfs ? complaint?.code : undefined;
  return new IcbdError(code ?? (is_btrfs ? 'BtrfsFailed' : 'ProcessFailed'), message, {
    ...details,
    hint: complaint?.hint ?? '',
    ...(complaint?.retryable === undefined ? {} : { retryable: complaint.retryable }),
  });
}
