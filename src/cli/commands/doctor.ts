import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import type { DoctorReport, LeftoverRemoval, LeftoverReport } from '../../core/doctor_report.js';
import { exit_codes } from '../exit_codes.js';
import { renderDoctor, renderLeftover, renderRemovals } from '../render/doctor.js';
import { type CliRun, type GlobalOptions, type Session, openSession } from '../session.js';

/** Looks at a machine whose daemon does not answer; only the daemon's folder may see its config and database. */
const offline_program = fileURLToPath(new URL('../../daemon/doctor/offline.js', import.meta.url));

interface DoctorOptions extends GlobalOptions {
  readonly config?: string;
  readonly fix?: boolean;
  readonly yes?: boolean;
}

async function examineOffline(why: IcbdError, config: string | undefined): Promise<DoctorReport> {
  const args = [offline_program, ...(config === undefined ? [] : [config])];
  // Only now: it takes longer to load than most commands to run.
  const { execa } = await import('execa');
  const { stdout, stderr, exitCode } = await execa(process.execPath, args, {
    reject: false,
    stdin: 'ignore',
  });
  if (exitCode !== 0) {
    throw new IcbdError(
      'ProcessFailed',
      `the check without a daemon failed: ${stderr.trim().slice(-1_000)}`,
      {
        operation: 'doctor',
        subject: offline_program,
      },
    );
  }
  const report = JSON.parse(stdout) as DoctorReport;
  const down = { name: 'daemon', status: 'fail', text: why.message, hint: why.hint } as const;
  return { ...report, checks: [down, ...report.checks] };
}

async function examine(session: Session, config: string | undefined): Promise<DoctorReport> {
  try {
    return await session.client.doctor();
  } catch (error) {
    if (!(error instanceof IcbdError) || error.code !== 'DaemonNotRunning') throw error;
    return examineOffline(error, config);
  }
}

function refuse(message: string, hint: string): never {
  throw new IcbdError('NotAllowedNow', message, { operation: 'doctor', hint });
}

/** @throws IcbdError `InvalidArgument` if nobody can be asked */
async function mayRemove(session: Session, count: number, yes: boolean): Promise<boolean> {
  if (yes) return true;
  const answer = await session.context.ask(`remove ${count === 1 ? 'it' : `these ${count}`}? [y/N] `);
  if (answer !== null) return /^y(es)?$/i.test(answer.trim());
  throw new IcbdError('InvalidArgument', 'there is no terminal to ask on', {
    operation: 'doctor',
    hint: 'give --yes too, to remove them unasked',
  });
}

async function removeAll(session: Session, leftovers: readonly LeftoverReport[]): Promise<LeftoverRemoval[]> {
  const removals: LeftoverRemoval[] = [];
  for (const image of new Set(leftovers.map((leftover) => leftover.image))) {
    const names = leftovers.filter((leftover) => leftover.image === image).map(({ name }) => name);
    removals.push(...(await session.client.removeLeftovers(image, names)));
  }
  return removals;
}

/** Shows what was found, asks, removes, and looks again. */
async function fix(session: Session, found: DoctorReport, yes: boolean): Promise<DoctorReport> {
  const { stderr } = session.context;
  if (!found.is_running)
    refuse('the daemon does not run, and only it knows what is wanted', 'start icbdrepd');
  const removable = found.leftovers.filter(({ is_removable }) => is_removable);
  if (removable.length === 0) return found;
  stderr.write(removable.map(renderLeftover).join(''));
  if (!(await mayRemove(session, removable.length, yes))) return found;
  stderr.write(renderRemovals(await removeAll(session, removable)));
  return session.client.doctor();
}

/** `doctor`. */
export function addDoctorCommand(program: Command, run: CliRun): void {
  program
    .command('doctor')
    .description('what is wrong with this node, and what to do about it; exit code 1 if a check failed')
    .option('--config <file>', 'config of the daemon: looked at if the daemon does not run')
    .option('--fix', 'remove hidden subvolumes that no transfer wants, after it has asked')
    .option('--yes', 'with --fix: do not ask')
    .action(async (_options: unknown, command: Command) => {
      const { config, fix: wants_fix, yes } = command.optsWithGlobals<DoctorOptions>();
      const session = openSession(run, command);
      const found = await examine(session, config);
      const report = wants_fix === true ? await fix(session, found, yes === true) : found;
      session.answer(report, renderDoctor);
      if (report.checks.some(({ status }) => status === 'fail')) run.exit_code = exit_codes.unwell;
    });
}
