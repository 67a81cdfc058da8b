import { constants } from 'node:os';
import { type IcbdError, error_codes } from '../core/errors.js';

/** Exit codes besides those that errors bring; all are a promise to scripts. */
export const exit_codes = {
  ok: 0,
  /** `snapshot verify`: not all copies are equal. */
  different: 1,
  /** `doctor`: a check failed. */
  unwell: 1,
  usage: 2,
  /** `send --wait`: a transfer failed, was cancelled, or is parked. `send --dry-run`: one would be refused. */
  transfer_lost: 20,
} as const;

export function exitCodeOf(error: IcbdError): number {
  return error_codes[error.code].exit_code;
}

/** As shells count it: 128 and the signal's number; 130 for Ctrl-C. */
export function exitCodeOfSignal(signal: string): number {
  const number = (constants.signals as Readonly<Record<string, number>>)[signal] ?? constants.signals.SIGINT;
  return 128 + number;
}
