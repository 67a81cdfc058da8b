/** What is wrong with compressed input, and where. */
import { IcbdError } from '../core/errors.js';

const operation = 'decompress';
const damaged_hint = 'the input is damaged, or was made by something else; get it again';

/** @param offset_bytes where in the input that is which is wrong */
export function damaged(codec: string, what: string, offset_bytes: number, cause?: unknown): IcbdError {
  return new IcbdError('CorruptData', `${codec}: ${what}, at input byte ${offset_bytes}`, {
    operation,
    subject: codec,
    hint: damaged_hint,
    cause,
  });
}

/** As `damaged`, where it is known only that it is in the input before `end_bytes`, and not before `start_bytes`. */
export function damagedWithin(
  codec: string,
  what: string,
  { start_bytes, end_bytes }: { readonly start_bytes: number; readonly end_bytes: number },
  cause: unknown,
): IcbdError {
  const where = `between input bytes ${start_bytes} and ${end_bytes}`;
  const message = `${codec}: ${what}, ${where}`;
  return new IcbdError('CorruptData', message, { operation, subject: codec, hint: damaged_hint, cause });
}

/**
 * @param inside what is not complete, for example `a block`
 * @param offset_bytes length of the input
 */
export function truncated(codec: string, inside: string, offset_bytes: number): IcbdError {
  return new IcbdError(
    'CorruptData',
    `${codec}: the input ends too early, in ${inside}, after ${offset_bytes} bytes`,
    {
      operation,
      subject: codec,
      hint: 'the input is not complete; get it again',
    },
  );
}

/** For input that may be good, but that needs what is not here. */
export function unsupported(codec: string, what: string, offset_bytes: number, hint: string): IcbdError {
  return new IcbdError('CorruptData', `${codec}: ${what}, at input byte ${offset_bytes}`, {
    operation,
    subject: codec,
    hint,
    retryable: false,
  });
}
