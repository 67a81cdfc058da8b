/** Errors as answers of the control API. */
import { type ErrorCode, IcbdError, error_codes } from '../../core/errors.js';

const status_by_exit_code: Readonly<Record<number, number>> = { 2: 400, 10: 404, 11: 409, 12: 409, 13: 503 };
const status_by_code: Partial<Readonly<Record<ErrorCode, number>>> = {
  FrameTooLarge: 413,
  NotPermitted: 403,
};

/** The status with which an error of this code is answered. */
export function statusOf(code: ErrorCode): number {
  return status_by_code[code] ?? status_by_exit_code[error_codes[code].exit_code] ?? 500;
}

/** An error that HTTP has a status of its own for. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly error: IcbdError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: IcbdError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }

  /** Any thrown value as an answer. */
  static from(thrown: unknown, subject: string): HttpError {
    if (thrown instanceof HttpError) return thrown;
    const error = IcbdError.from(thrown, 'control', subject);
    return new HttpError(statusOf(error.code), error);
  }
}

/** A request that this daemon does not have. */
export function unknownRequest(method: string, path: string): HttpError {
  return new HttpError(
    404,
    new IcbdError('InvalidArgument', `no request ${method} ${path}`, {
      operation: 'control',
      subject: path,
      hint: 'the client may be of another version than the daemon; GET /v1/openapi.json lists all requests',
    }),
  );
}

/** @param allowed methods that the path has */
export function wrongMethod(method: string, path: string, allowed: readonly string[]): HttpError {
  const methods = allowed.join(', ');
  const message = `${path} has no ${method}, only ${methods}`;
  return new HttpError(
    405,
    new IcbdError('InvalidArgument', message, { operation: 'control', subject: path }),
    { allow: methods },
  );
}
