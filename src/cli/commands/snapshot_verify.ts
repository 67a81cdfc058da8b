import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { checkImageName, checkSnapshotNumber } from '../../core/names.js';
import type { VerifyReport } from '../../core/verify_report.js';
import { type CliContext, pause } from '../context.js';
import { exitCodeOfSignal, exit_codes } from '../exit_codes.js';
import { cut } from '../render/text.js';
import { renderVerify, renderVerifyProgress } from '../render/verify.js';
import { type CliRun, type Session, openSession } from '../session.js';

const poll_every_ms = 500;
/** Where stderr is no terminal: time between two lines. */
const log_every_ms = 10_000;

/** One line on a terminal, redrawn in place; else a line now and then. */
class VerifyDisplay {
  readonly #context: CliContext;
  #shown_at_ms: number;
  #is_drawn = false;

  constructor(context: CliContext) {
    this.#context = context;
    this.#shown_at_ms = context.clock.now();
  }

  show(report: VerifyReport): void {
    const { stderr, clock } = this.#context;
    const terminal = stderr.terminal();
    const line = renderVerifyProgress(report);
    if (terminal !== null) {
      stderr.write(`\r\u001b[2K${cut(line, terminal.columns - 1)}`);
      this.#is_drawn = true;
    } else if (clock.now() - this.#shown_at_ms >= log_every_ms) {
      stderr.write(`${line}\n`);
      this.#shown_at_ms = clock.now();
    }
  }

  clear(): void {
    if (this.#is_drawn) this.#context.stderr.write('\r\u001b[2K');
    this.#is_drawn = false;
  }
}

/** @returns the report at its end, or as it was seen last if `signal` is aborted */
async function waitForEnd(session: Session, first: VerifyReport, signal: AbortSignal): Promise<VerifyReport> {
  const { client, context } = session;
  const display = new VerifyDisplay(context);
  let report = first;
  try {
    while (report.state === 'running' && !signal.aborted) {
      display.show(report);
      await pause(context.clock, poll_every_ms, signal);
      report = await client.snapshots.verification(first.id);
    }
  } finally {
    display.clear();
  }
  return report;
}

async function verify(run: CliRun, session: Session, first: VerifyReport): Promise<void> {
  const interrupt = session.context.catchInterrupt();
  try {
    const report = await waitForEnd(session, first, interrupt.signal);
    if (report.state === 'running') {
      await session.client.snapshots.cancelVerification(report.id);
      run.exit_code = exitCodeOfSignal(String(interrupt.signal.reason));
      return;
    }
    if (report.error !== null) throw IcbdError.fromReport(report.error);
    session.answer(report, renderVerify);
    if (report.copies.some(({ state }) => state !== 'equal')) run.exit_code = exit_codes.different;
  } finally {
    interrupt.release();
  }
}

interface VerifyOptions {
  readonly node?: string;
}

/** `snapshot verify`. */
export function addSnapshotVerify(snapshot: Command, run: CliRun): void {
  snapshot
    .command('verify')
    .description('compare a snapshot with its copies: content and metadata; exit code 1 if they differ')
    .argument('<image>', 'name of the image', checkImageName)
    .argument('<number>', 'number of the snapshot', checkSnapshotNumber)
    .option('--node <node>', 'name or id of a replica (default: all that are online)')
    .addHelpText(
      'after',
      '\nEach node reads and hashes its own snapshot, all of it; only hashes go over the link. Transfers go first.\n' +
        'Not compared: times of access and change, attributes of lsattr.\n' +
        'Exit code 1: a copy differs, is missing, or could not be compared.\n',
    )
    .action(async (image: string, number: string, { node }: VerifyOptions, command: Command) => {
      const session = openSession(run, command);
      await verify(run, session, await session.client.snapshots.verify(image, number, { node }));
    });
}
