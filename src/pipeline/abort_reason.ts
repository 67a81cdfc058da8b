import { IcbdError } from '../core/errors.js';

/** What an aborted signal says, as an error: the `IcbdError` it was aborted with, else `Interrupted`. */
export function errorOfAbort(signal: AbortSignal, operation: string, subject: string): IcbdError {
  const reason: unknown = signal.reason;
  if (reason instanceof IcbdError) return reason;
  const message = reason instanceof Error ? reason.message : 'it was told to stop';
  return new IcbdError('Interrupted', message, { operation, subject, cause: reason });
}

/** Runs `work` when the signal aborts, or at once if it has; returns what takes that back. */
export function onAbort(signal: AbortSignal | undefined, work: () => void): () => void {
  if (signal === undefined) return () => undefined;
  if (signal.aborted) {
    work();
    return () => undefined;
  }
  signal.addEventListener('abort', work, { once: true });
  return () => signal.removeEventListener('abort', work);
}
