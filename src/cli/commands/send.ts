import type { Command } from 'commander';
import type { Codec } from '../../core/codecs.js';
import { checkImageName, checkSnapshotNumber } from '../../core/names.js';
import type { TransferReport } from '../../core/report.js';
import { collectList, parseCodec } from '../arguments.js';
import { makeDisplay } from '../display.js';
import { exitCodeOfSignal, exit_codes } from '../exit_codes.js';
import { renderTransfers } from '../render/lists.js';
import { renderAccepts } from '../render/node.js';
import { counted } from '../render/text.js';
import { type CliRun, type Session, openSession } from '../session.js';
import { isOver } from '../../client/watch_transfers.js';
import { isLost, waitForTransfers } from '../wait.js';

interface SendOptions {
  readonly to: readonly string[];
  readonly wait?: boolean;
  readonly codec?: Codec;
  readonly ssh?: boolean;
  readonly dryRun?: boolean;
}

const live_interval_ms = 200;
const log_interval_ms = 500;

/** Waits for what was started, prints the end of it, and sets the exit code. */
async function waitAndAnswer(
  run: CliRun,
  session: Session,
  started: readonly TransferReport[],
): Promise<void> {
  const { context, client } = session;
  const display = makeDisplay(context, context.stderr);
  const interrupt = context.catchInterrupt();
  try {
    const interval_ms = context.stderr.terminal() === null ? log_interval_ms : live_interval_ms;
    const { clock } = context;
    const { signal } = interrupt;
    const transfers = await waitForTransfers(client.transfers, started, {
      clock,
      display,
      signal,
      interval_ms,
    });
    if (!transfers.every(isOver)) {
      const running = counted(transfers.filter((transfer) => !isOver(transfer)).length, 'transfer');
      context.stderr.write(
        `icbdrep: waits no longer; the daemon goes on with ${running}: icbdrep transfers\n`,
      );
      run.exit_code = exitCodeOfSignal(String(signal.reason));
      return;
    }
    session.answer(transfers, renderTransfers);
    if (transfers.some(isLost)) run.exit_code = exit_codes.transfer_lost;
  } finally {
    interrupt.release();
  }
}

/** Numbers may be separate arguments or lists with commas. */
function collectNumbers(value: string, previous: readonly string[] | undefined): string[] {
  return collectList(value, previous).map(checkSnapshotNumber);
}

/** `send`. */
export function addSendCommand(program: Command, run: CliRun): void {
  program
    .command('send')
    .description('send snapshots to replicas; what is there already is not sent again')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number...>', 'numbers of the snapshots, in the order to send them', collectNumbers)
    .requiredOption(
      '--to <replica>',
      'name or id of a replica, or all; may be repeated or a comma list',
      collectList,
    )
    .option('--dry-run', 'only ask the replicas whether they would take them; exit code 20 if one would not')
    .option('--wait', 'wait until all are over; exit code 20 if one failed or was cancelled')
    .option(
      '--codec <codec>',
      'none, snappy, lz4, zlib or zstd (default: as the image or the config says)',
      parseCodec,
    )
    .option('--ssh', 'through the ssh tunnel of the replica: master.via in its config')
    .action(async (image: string, numbers: string[], options: SendOptions, command: Command) => {
      const session = openSession(run, command);
      const { to, codec, wait, ssh, dryRun } = options;
      if (dryRun === true) {
        const reports = await session.client.transfers.check({ image, numbers, to });
        session.answer(reports, renderAccepts);
        if (reports.some(({ error }) => error !== null)) run.exit_code = exit_codes.transfer_lost;
        return;
      }
      const transfers = await session.client.transfers.send({ image, numbers, to, codec, ssh });
      if (wait === true) await waitAndAnswer(run, session, transfers);
      else session.answer(transfers, renderTransfers);
    });
}
