import type { Logger } from 'pino';
import { type IcbdError, error_codes } from '../core/errors.js';
import { logFatal } from './logging.js';

/** A node that was started. */
export interface RunningNode {
  /** Takes nothing new, ends what runs, and lets go of everything; the next start goes on. */
  stop(): Promise<void>;
  /** Resolves with who asked for it when the node is to stop. */
  readonly stop_due?: Promise<string>;
}

/** A process that belongs to a node: the node stops when it ends, and it is ended when the node stops. */
export interface Companion {
  /** Its exit code, when it has ended; never rejects. */
  readonly ended: Promise<number>;
  /** Ends it, if it still runs, and waits. */
  stop(): Promise<void>;
}

/** Longest time for an orderly end; then the process ends anyway, and the next start goes on. */
const stop_timeout_ms = 20_000;
/** Exit code when a commit failed and the node cannot go on. */
const fatal_exit_code = 70;

/**
 * Ends the process at once: whatever is not committed has not happened.
 * @param is_shown also on stderr, where the log does not go there
 */
export function exitOnFatal(log: Logger, is_shown = false): (error: IcbdError) => void {
  return (error) => {
    logFatal(log, error);
    if (is_shown) explainFailure(error);
    process.exit(fatal_exit_code);
  };
}

/**
 * Starts a node in this process, and stops it on SIGTERM or SIGINT.
 * @param startCompanion started after the node; when it ends, the process stops with its exit code
 */
export async function runNode(
  start: () => Promise<RunningNode>,
  log: Logger,
  startCompanion?: () => Companion,
): Promise<void> {
  const node = await start();
  const companion = startCompanion?.();
  let is_stopping = false;
  const stop = (why: string, exit_code = 0): void => {
    if (is_stopping) return;
    is_stopping = true;
    log.info({ why }, 'stopping');
    setTimeout(() => process.exit(1), stop_timeout_ms).unref();
    Promise.all([node.stop(), companion?.stop()]).then(
      () => process.exit(exit_code),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', (signal) => stop(signal));
  process.on('SIGINT', (signal) => stop(signal));
  void node.stop_due?.then((why) => stop(why));
  if (companion === undefined) return;
  // The terminal is gone, and with it the companion.
  process.on('SIGHUP', (signal) => stop(signal));
  void companion.ended.then((exit_code) => stop('its console ended', exit_code));
}

/** One line and the hint, on stderr; returns the exit code. */
export function explainFailure(error: IcbdError): number {
  process.stderr.write(`icbdrepd: ${error.message} [${error.code}]\n`);
  if (error.hint !== '') process.stderr.write(`  hint: ${error.hint}\n`);
  return error_codes[error.code].exit_code;
}
