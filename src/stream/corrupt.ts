import { IcbdError } from '../core/errors.js';

const operation = 'read send stream';

/** The error for bytes that cannot be a send stream; a retry can help, since it sends them again. */
export function corruptStream(message: string): IcbdError {
  return new IcbdError('CorruptData', message, {
    operation,
    hint: 'the stream was cut or changed on its way; if a retry gives the same, check the sending node',
  });
}

/** The error for a whole and valid stream of a version that is not understood; sending it again cannot help. */
export function newerStream(message: string): IcbdError {
  return new IcbdError('StreamVersionNotSupported', message, {
    operation,
    hint: 'versions 1 and 2 are understood; send with "--proto 2"',
  });
}

/** The same error, which now says at which command of the stream it happened. */
export function atCommand(error: unknown, name: string, start_bytes: number): unknown {
  if (!(error instanceof IcbdError)) return error;
  const { code, message, hint, retryable, cause } = error;
  return new IcbdError(code, `the ${name} command at byte ${start_bytes}: ${message}`, {
    operation: error.operation,
    subject: error.subject === '' ? `${name} at byte ${start_bytes}` : error.subject,
    hint,
    retryable,
    cause,
  });
}
