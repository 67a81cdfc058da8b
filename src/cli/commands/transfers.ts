import type { Command } from 'commander';
import { collectStates, parseCount, parseSince, parseTransferId } from '../arguments.js';
import { renderHistory } from '../render/history.js';
import { renderTransfers } from '../render/lists.js';
import { renderTransfer } from '../render/transfer.js';
import { type CliRun, openSession } from '../session.js';

interface ListOptions {
  readonly state?: readonly string[];
  readonly image?: string;
  readonly replica?: string;
  readonly since?: number;
  readonly limit?: number;
}

/** `transfers`, `transfer show`, `transfer history`, `transfer cancel`. */
export function addTransferCommands(program: Command, run: CliRun): void {
  const { clock } = run.context;
  program
    .command('transfers')
    .description('transfers, newest first: state, attempts, progress, last error')
    .option('--state <state>', 'only those in this state; may be repeated or a comma list', collectStates)
    .option('--image <image>', 'only those of this image')
    .option('--replica <replica>', 'only those to this replica')
    .option('--since <time>', 'only those changed since: 2h, 3d, or an ISO date', (value: string) =>
      parseSince(value, clock.now()),
    )
    .option('--limit <count>', 'at most so many', parseCount)
    .action(async (options: ListOptions, command: Command) => {
      const session = openSession(run, command);
      const { state: states, image, replica, since: since_ms, limit } = options;
      session.answer(
        await session.client.transfers.list({ states, image, replica, since_ms, limit }),
        renderTransfers,
      );
    });

  const transfer = program.command('transfer').description('look at one transfer, or cancel it');
  transfer
    .command('show')
    .description('all about one transfer: where it stands, why, and what happens next')
    .argument('<id>', 'its id, or the beginning of it', parseTransferId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.transfers.get(id), renderTransfer);
    });
  transfer
    .command('history')
    .description('every step of one transfer: when, why, from which state to which')
    .argument('<id>', 'its id, or the beginning of it', parseTransferId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.transfers.history(id), renderHistory);
    });
  transfer
    .command('cancel')
    .description('end a transfer, and remove what it left on the replica')
    .argument('<id>', 'its id, or the beginning of it', parseTransferId)
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.transfers.cancel(id), renderTransfer);
    });
}
