import type { Command } from 'commander';
import { IcbdError, error_codes } from '../../core/errors.js';
import { collectList, parseSince } from '../arguments.js';
import { renderRedrive } from '../render/redrive.js';
import { type CliRun, openSession } from '../session.js';

interface RedriveOptions {
  readonly state?: readonly string[];
  readonly image?: string;
  readonly replica?: string;
  readonly since?: number;
  readonly fromStart?: boolean;
  readonly rate?: number;
  readonly dryRun?: boolean;
}

const refuse = (message: string, subject: string, hint: string): never => {
  throw new IcbdError('InvalidArgument', message, { operation: 'read the command line', subject, hint });
};

const redrivable: readonly string[] = ['failed', 'cancelled', 'parked'];

function collectStates(value: string, previous: readonly string[] | undefined): string[] {
  const states = collectList(value, previous);
  const other = states.find((state) => !redrivable.includes(state));
  return other === undefined
    ? states
    : refuse(`what is ${JSON.stringify(other)} is not redriven`, other, `states: ${redrivable.join(' ')}`);
}

const per_minute: Readonly<Record<string, number>> = { s: 60, min: 1, m: 1, h: 1 / 60 };
const fastest_per_minute = 60_000;

/** `60/min`, `2/s`, `100/h`, or a number for so many in a minute. */
function parseRate(value: string): number {
  const [, amount = '', unit = 'min'] = /^(\d+(?:\.\d+)?)(?:\/([a-z]+))?$/.exec(value) ?? [];
  const rate = Number(amount) * (per_minute[unit] ?? 0);
  if (rate > 0 && rate <= fastest_per_minute) return rate;
  return refuse(`${JSON.stringify(value)} is no rate`, value, 'give for example 60/min, 2/s or 100/h');
}

/** `redrive`: many at once. */
export function addRedriveCommand(program: Command, run: CliRun): void {
  const { clock } = run.context;
  program
    .command('redrive')
    .description('run transfers again that failed, spread over time; see --dry-run first')
    .option(
      '--state <state>',
      'failed (default), cancelled or parked; may be repeated or a comma list',
      collectStates,
    )
    .option('--image <image>', 'only those of this image')
    .option('--replica <replica>', 'only those to this replica')
    .option('--since <time>', 'only those that failed since: 2h, 3d, or an ISO date', (value: string) =>
      parseSince(value, clock.now()),
    )
    .option('--from-start', 'throw away what the replicas have received, and send all of it')
    .option('--rate <rate>', 'so many begin: 60/min (default), 2/s, 100/h', parseRate)
    .option('--dry-run', 'only say what would be done')
    .action(async (options: RedriveOptions, command: Command) => {
      const session = openSession(run, command);
      const { state: states, image, replica, since: since_ms, rate, fromStart, dryRun } = options;
      const reports = await session.client.transfers.redriveAll({
        states,
        image,
        replica,
        since_ms,
        per_minute: rate,
        from_start: fromStart,
        dry_run: dryRun,
      });
      session.answer(reports, renderRedrive);
      if (reports.some(({ result }) => result === 'refused')) {
        run.exit_code = error_codes.NotAllowedNow.exit_code;
      }
    });
}
