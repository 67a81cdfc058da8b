import type { Command } from 'commander';
import type { TransferFilter, TransferOrder, TransferReport } from '../../core/report.js';
import {
  collectStates,
  parseCount,
  parseOffset,
  parseSince,
  parseTransferId,
  parseTransferOrder,
} from '../arguments.js';
import { renderMore, renderTransfers } from '../render/lists.js';
import { renderTransfer } from '../render/transfer.js';
import { type CliRun, type Session, openSession } from '../session.js';
import { addHistoryCommand } from './transfer_history.js';
import { addWatchCommand } from './transfer_watch.js';

interface ListOptions {
  readonly state?: readonly string[];
  readonly image?: string;
  readonly number?: string;
  readonly replica?: string;
  readonly text?: string;
  readonly since?: number;
  readonly sort?: TransferOrder;
  readonly reverse?: boolean;
  readonly offset?: number;
  readonly limit?: number;
}

/** Transfers that are listed unless another number is asked for. */
const listed = 1_000;

/** Names come from A to Z, times from the newest; `--reverse` is the other way round. */
function filterOf(options: ListOptions): TransferFilter {
  const { state: states, since: since_ms, sort, reverse, ...rest } = options;
  const is_name = sort === 'image' || sort === 'replica' || sort === 'state';
  const is_up = is_name !== (reverse === true);
  return {
    ...rest,
    ...(states === undefined ? {} : { states }),
    ...(since_ms === undefined ? {} : { since_ms }),
    ...(sort === undefined ? {} : { sort }),
    ...(is_up ? { direction: 'up' } : {}),
  };
}

/** Lists them, and for people says how many there are besides those that are shown. */
async function answerList(session: Session, options: ListOptions): Promise<void> {
  const { client } = session;
  const filter = filterOf(options);
  const transfers = await client.transfers.list(filter);
  const offset = options.offset ?? 0;
  const is_whole = offset === 0 && transfers.length < (options.limit ?? listed);
  if (is_whole || session.is_json) {
    session.answer(transfers, renderTransfers);
    return;
  }
  const counts = Object.values(await client.transfers.count(filter));
  const total = counts.reduce((sum, count) => sum + count, 0);
  session.answer(
    transfers,
    (shown: readonly TransferReport[], view) =>
      renderTransfers(shown, view) + renderMore({ offset, shown: shown.length, total }, view),
  );
}

/** `transfers`, and of `transfer` all that only looks, and `cancel`. @returns the group `transfer` */
export function addTransferCommands(program: Command, run: CliRun): Command {
  const { clock } = run.context;
  program
    .command('transfers')
    .description('transfers, newest first: state, attempts, progress, last error')
    .option('--state <state>', 'only those in this state; may be repeated or a comma list', collectStates)
    .option('--image <image>', 'only those of this image')
    .option('--number <number>', 'only those of the snapshot of this number')
    .option('--replica <replica>', 'only those to this replica')
    .option('--text <text>', 'only those with this in their id, image, number or replica')
    .option('--since <time>', 'only those requested since: 2h, 3d, or an ISO date', (value: string) =>
      parseSince(value, clock.now()),
    )
    .option('--sort <order>', 'by created (default), updated, image, replica or state', parseTransferOrder)
    .option('--reverse', 'the other way round')
    .option('--offset <count>', 'leave out so many of the first', parseOffset)
    .option('--limit <count>', `at most so many (default: ${listed})`, parseCount)
    .action((options: ListOptions, command: Command) => answerList(openSession(run, command), options));

  const transfer = program.command('transfer').description('look at one transfer, or do something with it');
  transfer
    .command('show')
    .description('all about one transfer: where it stands, why, what happens next, what you can do')
    .argument('<id>', 'its id, or the number it begins with', parseTransferId)
    .option('-a, --all', 'also what you cannot do with it now, and why')
    .action(async (id: string, { all }: { all?: boolean }, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.transfers.get(id), (report, view) =>
        renderTransfer(report, view, { all }),
      );
    });
  addHistoryCommand(transfer, run);
  addWatchCommand(transfer, run);
  return transfer;
}
