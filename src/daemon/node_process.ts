import type { Logger } from 'pino';
import { type IcbdError, error_codes } from '../core/errors.js';
import { logFatal } from './logging.js';

/** A node that was started. */
export interface RunningNode {
  /** Takes nothing new, ends what runs, and lets go of everything; the next start goes on. */
  stop(): Promise<void>;
}

/** Longest time for an orderly end; then the process ends anyway, and the next start goes on. */
const stop_timeout_ms = 20_000;
/** Exit code when a commit failed and the node cannot go on. */
const fatal_exit_code = 70;

/** Ends the process at once: whatever is not committed has not happened. */
export function exitOnFatal(log: Logger): (error: IcbdError) => void {
  return (error) => {
    logFatal(log, error);
    process.exit(fatal_exit_code);
  };
}

/** Starts a node in this process, and stops it on SIGTERM or SIGINT. */
export async function runNode(start: () => Promise<RunningNode>, log: Logger): Promise<void> {
  const node = await start();
  let is_stopping = false;
  const stop = (signal: string): void => {
    if (is_stopping) return;
    is_stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), stop_timeout_ms).unref();
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** One line and the hint, on stderr; returns the exit code. */
export function explainFailure(error: IcbdError): number {
  process.stderr.write(`icbdrepd: ${error.message} [${error.code}]\n`);
  if (error.hint !== '') process.stderr.write(`  hint: ${error.hint}\n`);
  return error_codes[error.code].exit_code;
}
