import type { Command } from 'commander';
import { isOver } from '../../client/watch_transfers.js';
import { parseInterval, parseTransferId } from '../arguments.js';
import { exitCodeOfSignal, exit_codes } from '../exit_codes.js';
import { counted } from '../render/text.js';
import { type CliRun, openSession } from '../session.js';
import { isLost } from '../wait.js';
import { watchTransfers } from '../watch.js';
import { makeWatchDisplay } from '../watch_display.js';

const screen_interval_ms = 300;
const log_interval_ms = 500;

/** `transfer watch`. */
export function addWatchCommand(transfer: Command, run: CliRun): void {
  transfer
    .command('watch')
    .description(
      'follow transfers until they are over; exit code 20 if one failed or was cancelled. Ctrl-C ends the watching only',
    )
    .argument(
      '<id...>',
      'their ids, or the numbers they begin with',
      (value: string, previous?: string[]) => [...(previous ?? []), parseTransferId(value)],
    )
    .option('--interval <time>', 'time between two looks: 500ms, 2s', parseInterval)
    .addHelpText(
      'after',
      '\nWith --json: a line for each change, each the whole transfer as `transfer show --json` gives it.',
    )
    .action(async (ids: string[], { interval }: { interval?: number }, command: Command) => {
      const { client, context, is_json } = openSession(run, command);
      const display = makeWatchDisplay(context, is_json);
      const interrupt = context.catchInterrupt();
      try {
        const watched = await watchTransfers(client.transfers, ids, {
          clock: context.clock,
          display,
          signal: interrupt.signal,
          interval_ms: interval ?? (display.wants_events ? screen_interval_ms : log_interval_ms),
        });
        const running = watched.filter((one) => !isOver(one.transfer)).length;
        if (running > 0) {
          const rest = counted(running, 'transfer');
          context.stderr.write(`icbdrep: watches no longer; the daemon goes on with ${rest}\n`);
          run.exit_code = exitCodeOfSignal(String(interrupt.signal.reason));
        } else if (watched.some((one) => isLost(one.transfer))) {
          run.exit_code = exit_codes.transfer_lost;
        }
      } finally {
        interrupt.release();
      }
    });
}
