/** WebSocket close codes, and the errors they stand for. */
import { IcbdError, type ErrorCode, type ErrorReport } from '../core/errors.js';

/** 4000-4999 are free for applications (RFC 6455, 7.4.2); a code once given away keeps its meaning. */
export const close_codes = {
  normal: 1000,
  going_away: 1001,
  too_large: 1009,
  other: 4000,
  authentication_failed: 4001,
  protocol_version: 4002,
  invalid_message: 4003,
  timed_out: 4004,
  not_permitted: 4006,
  aborted: 4007,
} as const;

const code_of_error: Partial<Record<ErrorCode, number>> = {
  AuthenticationFailed: close_codes.authentication_failed,
  ProtocolVersionMismatch: close_codes.protocol_version,
  InvalidMessage: close_codes.invalid_message,
  TimedOut: close_codes.timed_out,
  NotPermitted: close_codes.not_permitted,
  FrameTooLarge: close_codes.too_large,
  Interrupted: close_codes.going_away,
};

const error_of_code = new Map<number, ErrorCode>([
  [close_codes.authentication_failed, 'AuthenticationFailed'],
  [close_codes.protocol_version, 'ProtocolVersionMismatch'],
  [close_codes.invalid_message, 'InvalidMessage'],
  [close_codes.timed_out, 'TimedOut'],
  [close_codes.not_permitted, 'NotPermitted'],
  [close_codes.too_large, 'FrameTooLarge'],
  // ws answers invalid UTF-8 and broken frames with these.
  [1002, 'InvalidMessage'],
  [1003, 'InvalidMessage'],
  [1007, 'InvalidMessage'],
]);

export function closeCodeOf(reason: ErrorReport): number {
  return code_of_error[reason.code] ?? close_codes.other;
}

/** A close reason is at most 123 bytes (RFC 6455, 5.5): the error's code, and what fits of its message. */
export function closeTextOf(reason: ErrorReport): string {
  const text = Buffer.from(`${reason.code}: ${reason.message}`);
  // A cut in the middle of a character would make the frame invalid UTF-8.
  return text.length <= 123 ? text.toString() : text.toString('latin1', 0, 100).replace(/[^ -~]/g, '?');
}

/** What a closed WebSocket means to the side that did not close it. */
export function errorOfClose(code: number, text: string, operation: string, subject: string): IcbdError {
  const known = error_of_code.get(code) ?? 'LinkLost';
  const said = text === '' ? '' : `: ${text}`;
  const message =
    code === 1006 ? 'the connection broke' : `the peer closed the link with code ${String(code)}${said}`;
  return new IcbdError(known, message, { operation, subject });
}

/**
 * What an `error` event of ws means. Its own checks have codes that start with `WS_ERR_`; all else is the network.
 */
export function errorOfSocket(cause: Error, operation: string, subject: string): IcbdError {
  const { code } = cause as NodeJS.ErrnoException;
  const details = { operation, subject, cause };
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new IcbdError('FrameTooLarge', 'the peer sent a frame over the limit', details);
  }
  if (code?.startsWith('WS_ERR_') === true) {
    return new IcbdError(
      'InvalidMessage',
      `the peer broke the WebSocket protocol: ${cause.message}`,
      details,
    );
  }
  return new IcbdError('LinkLost', cause.message === '' ? (code ?? 'network error') : cause.message, details);
}
