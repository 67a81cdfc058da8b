import { IcbdError } from '../core/errors.js';

/** The error for bytes that cannot be a send stream; a retry can help, since it sends them again. */
export function corruptStream(message: string): IcbdError {
  return new IcbdError('CorruptData', message, {
    operation: 'read send stream',
    hint: 'the stream was cut or changed on its way; if a retry gives the same, check the sending node',
  });
}
