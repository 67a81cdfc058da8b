import { type Command, InvalidArgumentError } from 'commander';
import type { Codec } from '../../core/codecs.js';
import { IcbdError } from '../../core/errors.js';
import type { ActorKind } from '../../core/records.js';
import type { TransferReport } from '../../core/report.js';
import type { UnparkReport } from '../../core/verbs.js';
import { parseCodec, parseCount, parseTransferId } from '../arguments.js';
import { exitCodeOf } from '../exit_codes.js';
import { renderTransfers } from '../render/lists.js';
import { printable } from '../render/text.js';
import { renderTransfer } from '../render/transfer.js';
import { type CliRun, type Session, openSession } from '../session.js';

const collectIds = (value: string, previous: readonly string[] | undefined): string[] => [
  ...new Set([...(previous ?? []), parseTransferId(value)]),
];

/** One refusal does not keep the others from being done; the exit code is that of the first. */
async function actOnAll(
  run: CliRun,
  session: Session,
  ids: readonly string[],
  act: (id: string) => Promise<TransferReport>,
): Promise<void> {
  const [only = ''] = ids;
  if (ids.length === 1) {
    session.answer(await act(only), (report, view) => renderTransfer(report, view));
    return;
  }
  const done: TransferReport[] = [];
  for (const id of ids) {
    try {
      done.push(await act(id));
    } catch (thrown) {
      const error = IcbdError.from(thrown, 'transfer', id);
      // Nobody is there to be asked about the rest.
      if (error.code === 'DaemonNotRunning') throw error;
      run.exit_code ||= exitCodeOf(error);
      run.context.stderr.write(describe(error, session.is_json));
    }
  }
  session.answer(done, renderTransfers);
}

function describe(error: IcbdError, is_json: boolean): string {
  if (is_json) return `${JSON.stringify({ error: error.toReport() })}\n`;
  const hint = error.hint === '' ? '' : `hint: ${printable(error.hint)}\n`;
  return `icbdrep: ${printable(error.message)} [${error.code}]\n${hint}`;
}

interface ForkOptions {
  readonly at?: number;
  readonly codec?: Codec;
  readonly parent?: string;
  readonly to?: string;
  readonly ssh?: boolean;
}

const plain_verbs = [
  { name: 'cancel', call: 'cancel', description: 'end transfers, and remove what they left on the replicas' },
  { name: 'pause', call: 'pause', description: 'halt transfers; what the replicas have of them is kept' },
  { name: 'resume', call: 'resume', description: 'let paused transfers go on where they were' },
  {
    name: 'retry-now',
    call: 'retryNow',
    description: 'do not let transfers wait any longer for their next try',
  },
] as const;

/** `transfer cancel`, `pause`, `resume`, `retry-now`, `redrive` and `fork`, in the group `transfer`. */
export function addTransferVerbs(transfer: Command, run: CliRun): void {
  for (const { name, call, description } of plain_verbs) {
    transfer
      .command(name)
      .description(description)
      .argument(
        '<id...>',
        'its id, or the number it begins with; several are done one after the other',
        collectIds,
      )
      .action(async (ids: string[], _options: unknown, command: Command) => {
        const session = openSession(run, command);
        await actOnAll(run, session, ids, (id) => session.client.transfers[call](id));
      });
  }
  transfer
    .command('redrive')
    .description('run transfers again that failed, were cancelled or are parked, from their last checkpoints')
    .argument(
      '<id...>',
      'its id, or the number it begins with; several are done one after the other',
      collectIds,
    )
    .option('--from-start', 'throw away what the replica has received, and send all of it')
    .action(async (ids: string[], { fromStart }: { fromStart?: boolean }, command: Command) => {
      const session = openSession(run, command);
      const request = fromStart === true ? { from_start: true } : {};
      await actOnAll(run, session, ids, (id) => session.client.transfers.redrive(id, request));
    });
  transfer
    .command('fork')
    .description('make a new transfer from what this one had decided; the old one stays as it is')
    .argument('<id>', 'its id, or the number it begins with', parseTransferId)
    .option(
      '--at <event>',
      'as it was after this event: see transfer history (default: the last)',
      parseCount,
    )
    .option('--codec <codec>', 'with another one: none, snappy, lz4, zlib or zstd', parseCodec)
    .option(
      '--parent <number>',
      'from another parent: its number, none for a full stream, auto to choose anew',
    )
    .option('--to <replica>', 'to another replica: its name or number')
    .option('--ssh', 'through the ssh tunnel of the replica')
    .action(async (id: string, { at, codec, parent, to, ssh }: ForkOptions, command: Command) => {
      const session = openSession(run, command);
      const made = await session.client.transfers.fork(id, { at_seq: at, codec, parent, to, ssh });
      session.answer(made, (report, view) => renderTransfer(report, view));
    });
}

const kinds: readonly ActorKind[] = ['transfer', 'reception', 'replica', 'image'];

function parseKind(value: string): ActorKind {
  const kind = kinds.find((known) => known === value);
  if (kind === undefined) throw new InvalidArgumentError(`one of ${kinds.join(', ')}`);
  return kind;
}

const renderUnpark = ({ kind, id, state, state_description }: UnparkReport): string =>
  `${kind} ${printable(id)} is ${state}: ${state_description}\n`;

/** `actor unpark`. */
export function addActorCommands(program: Command, run: CliRun): void {
  program
    .command('actor')
    .description('what works for a transfer, a replica or an image')
    .command('unpark')
    .description('let an actor of this node go on that was parked: see status')
    .argument('<kind>', kinds.join(', '), parseKind)
    .argument('<id>', 'its id, or the name of the replica or image')
    .action(async (kind: ActorKind, id: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.transfers.unpark(kind, id), renderUnpark);
    });
}
