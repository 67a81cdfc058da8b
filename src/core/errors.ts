/**
 * The one error class of the system.
 *
 * A code is a promise: scripts and machines branch on it, so a code is never renamed. The first eight are
 * the exceptions of the original system under their own names.
 */
export const error_codes = {
  DirNotFound: { retryable: false, exit_code: 10 },
  BtrfsPathNotFound: { retryable: false, exit_code: 10 },
  BtrfsSubvolumeNotFound: { retryable: false, exit_code: 10 },
  ImageAlreadyExists: { retryable: false, exit_code: 11 },
  ImageNotFound: { retryable: false, exit_code: 10 },
  SnapshotAlreadyExists: { retryable: false, exit_code: 11 },
  SnapshotNotFound: { retryable: false, exit_code: 10 },
  ReplicaNotFound: { retryable: false, exit_code: 10 },

  /** A different snapshot stands under the same number on the replica. */
  SnapshotConflict: { retryable: false, exit_code: 12 },
  SnapshotInUse: { retryable: false, exit_code: 12 },
  TransferNotFound: { retryable: false, exit_code: 10 },
  /** The state of the actor does not allow the request. */
  NotAllowedNow: { retryable: false, exit_code: 12 },
  ReplicaOffline: { retryable: true, exit_code: 13 },
  /** The name server knows no such name. */
  NameNotFound: { retryable: false, exit_code: 10 },
  NameAlreadyRegistered: { retryable: false, exit_code: 11 },
  /** The node takes nothing more now: it stops, or has as much to do as its config allows. */
  Busy: { retryable: true, exit_code: 13 },
  /** The ssh tunnel that a link goes through could not be made, or ended. */
  TunnelFailed: { retryable: true, exit_code: 13 },

  InvalidArgument: { retryable: false, exit_code: 2 },
  InvalidConfig: { retryable: false, exit_code: 2 },
  InvalidMessage: { retryable: false, exit_code: 1 },
  FrameTooLarge: { retryable: false, exit_code: 1 },
  ProtocolVersionMismatch: { retryable: false, exit_code: 1 },
  AuthenticationFailed: { retryable: false, exit_code: 1 },
  CodecNotSupported: { retryable: false, exit_code: 1 },
  StreamVersionNotSupported: { retryable: false, exit_code: 1 },
  CorruptData: { retryable: true, exit_code: 1 },
  /** A whole and valid stream that asks for what no stream of a snapshot may do. */
  StreamRefused: { retryable: false, exit_code: 1 },
  /** The two ends disagree on the hash of the stream. */
  HashMismatch: { retryable: true, exit_code: 1 },
  /** What the replica has of a stream is not what the stream of now begins with. */
  ResumeMismatch: { retryable: true, exit_code: 1 },
  LinkLost: { retryable: true, exit_code: 13 },
  TimedOut: { retryable: true, exit_code: 13 },
  /** No byte moved for longer than the configured time. */
  Stalled: { retryable: true, exit_code: 1 },
  Interrupted: { retryable: true, exit_code: 1 },
  Cancelled: { retryable: false, exit_code: 1 },
  NoSpace: { retryable: true, exit_code: 1 },
  BtrfsFailed: { retryable: true, exit_code: 1 },
  ProgramNotFound: { retryable: false, exit_code: 1 },
  ProcessFailed: { retryable: true, exit_code: 1 },

  AlreadyRunning: { retryable: false, exit_code: 14 },
  DaemonNotRunning: { retryable: true, exit_code: 15 },
  SchemaTooNew: { retryable: false, exit_code: 1 },
  ActorParked: { retryable: false, exit_code: 1 },
  NotPermitted: { retryable: false, exit_code: 1 },
  Internal: { retryable: false, exit_code: 1 },
} as const satisfies Record<string, { retryable: boolean; exit_code: number }>;

export type ErrorCode = keyof typeof error_codes;

/** An error as plain JSON: what crosses a link, stands in an event, or is printed with `--json`. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  /** What was being done, for example `btrfs receive`. */
  readonly operation: string;
  /** What it was about: a path, an image, a peer. */
  readonly subject: string;
  readonly retryable: boolean;
  /** What the operator can do about it; empty if nothing is known. */
  readonly hint: string;
}

export interface ErrorDetails {
  readonly operation: string;
  readonly subject?: string;
  readonly hint?: string;
  /** Overrides what the code says by default. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Every failure that crosses a module's border. */
export class IcbdError extends Error {
  override readonly name = 'IcbdError';
  readonly code: ErrorCode;
  readonly operation: string;
  readonly subject: string;
  readonly hint: string;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.operation = details.operation;
    this.subject = details.subject ?? '';
    this.hint = details.hint ?? '';
    this.retryable = details.retryable ?? error_codes[code].retryable;
  }

  toReport(): ErrorReport {
    const { code, message, operation, subject, retryable, hint } = this;
    return { code, message, operation, subject, retryable, hint };
  }

  /** The same error, on this side of a link. */
  static fromReport(report: ErrorReport): IcbdError {
    return new IcbdError(report.code, report.message, report);
  }

  /** Any thrown value as an `IcbdError`; an unknown one becomes `Internal` and keeps its message and cause. */
  static from(thrown: unknown, operation: string, subject = ''): IcbdError {
    if (thrown instanceof IcbdError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new IcbdError('Internal', message, { operation, subject, cause: thrown });
  }
}

/** Whether `code` is one this version knows; a peer or an old database may hold others. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(error_codes, code);
}
