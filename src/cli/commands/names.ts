import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import type { NameFilter, NameRemoval, NameReport } from '../../core/name_report.js';
import { name_of_name_server } from '../../core/name_service.js';
import { collectList, parseCount, parseSeconds } from '../arguments.js';
import { renderName, renderNameServer, renderNames, renderRemoval, renderRemoved } from '../render/names.js';
import { counted, printable } from '../render/text.js';
import { type CliRun, type Session, openSession } from '../session.js';

interface ListOptions {
  readonly prefix?: string;
  readonly regex?: string;
  readonly allMetadata?: readonly string[];
  readonly anyMetadata?: readonly string[];
  readonly removed?: boolean;
  readonly limit?: number;
}

interface RegisterOptions {
  readonly metadata?: readonly string[];
  readonly lease?: number;
  readonly safe?: boolean;
}

interface RemoveOptions {
  readonly prefix?: string;
  readonly regex?: string;
  readonly yes?: boolean;
}

const operation = 'read the command line';

function refuse(message: string, hint: string): never {
  throw new IcbdError('InvalidArgument', message, { operation, hint });
}

const regex_option = ['--regex <expression>', 'names that match it from their start; syntax of RE2'] as const;
const name_argument = ['<name>', 'for example vm.storage.1'] as const;

function filterOf({ prefix, regex, allMetadata, anyMetadata }: ListOptions): NameFilter {
  return {
    ...(prefix === undefined ? {} : { prefix }),
    ...(regex === undefined ? {} : { regex }),
    ...(allMetadata === undefined ? {} : { metadata_all: allMetadata }),
    ...(anyMetadata === undefined ? {} : { metadata_any: anyMetadata }),
  };
}

async function list(session: Session, { removed, limit, ...filters }: ListOptions): Promise<void> {
  const filter = filterOf(filters);
  if (removed !== true) {
    if (limit !== undefined) refuse('--limit goes with --removed', 'leave one of them out');
    session.answer(await session.client.names.list(filter), renderNames);
    return;
  }
  if (Object.keys(filter).length > 0) {
    refuse('--removed takes no filter', 'icbdrep ns list --removed --json can be searched with jq');
  }
  session.answer(await session.client.names.removed(limit), renderRemoved);
}

function removalOf(name: string | undefined, { prefix, regex }: RemoveOptions): NameRemoval {
  const removal = {
    ...(name === undefined ? {} : { name }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(regex === undefined ? {} : { regex }),
  };
  if (Object.keys(removal).length === 1 && !Object.values(removal).includes('')) return removal;
  return refuse('a removal is by a NAME, by --prefix or by --regex', 'give exactly one of them');
}

/** Names that somebody else owns may be among them; only the name server knows whose rights the daemon has. */
async function mayRemove(session: Session, found: readonly NameReport[]): Promise<boolean> {
  const { context } = session;
  const names = found.filter(({ name }) => name !== name_of_name_server);
  if (names.length === 0) return true;
  const shown = names.map(({ name, owner }) => `  ${printable(name)} of ${printable(owner)}\n`).join('');
  const answer = await context.ask(`${shown}remove ${counted(names.length, 'name')}? [y/N] `);
  if (answer !== null) return /^y(es)?$/i.test(answer.trim());
  throw new IcbdError('InvalidArgument', 'there is no terminal to ask on', {
    operation: 'ns remove',
    hint: 'give --yes too, to remove them unasked',
  });
}

async function remove(session: Session, removal: NameRemoval, yes: boolean): Promise<void> {
  const { prefix, regex } = removal;
  if (removal.name === undefined && !yes) {
    const filter = filterOf({
      ...(prefix === undefined ? {} : { prefix }),
      ...(regex === undefined ? {} : { regex }),
    });
    if (!(await mayRemove(session, await session.client.names.list(filter)))) return;
  }
  session.answer(await session.client.names.remove(removal), renderRemoval);
}

/** `ns list`, `ns lookup`, `ns register`, `ns remove`, `ns metadata`, `ns ping`. */
export function addNameCommands(program: Command, run: CliRun): void {
  const names = program.command('ns').description('the name server: which node is where');
  names
    .command('list')
    .description('the names, where they can be reached, and when they lapse')
    .option('--prefix <prefix>', 'names that start with it')
    .option(...regex_option)
    .option('--all-metadata <words>', 'names that carry all of these', collectList)
    .option('--any-metadata <words>', 'names that carry at least one of these', collectList)
    .option('--removed', 'what is gone instead, when and why, the newest first')
    .option('--limit <count>', 'with --removed: at most so many (default: 100)', parseCount)
    .action(async (options: ListOptions, command: Command) => list(openSession(run, command), options));
  names
    .command('lookup')
    .description('one name: where it is, since when, and whose')
    .argument(...name_argument)
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.names.lookup(name), renderName);
    });
  names
    .command('register')
    .description('register a name, or replace it')
    .argument(...name_argument)
    .argument('<address>', 'URL or HOST:PORT')
    .option('--metadata <words>', 'words to find it by, with commas', collectList)
    .option('--lease <time>', 'remove it after so long, for example 5m (default: never)', parseSeconds)
    .option('--safe', 'refuse a name that is taken')
    .action(async (name: string, address: string, options: RegisterOptions, command: Command) => {
      const session = openSession(run, command);
      const { metadata = [], lease: lease_s = null, safe = false } = options;
      session.answer(
        await session.client.names.register({ name, address, metadata, lease_s, safe }),
        renderName,
      );
    });
  names
    .command('remove')
    .description("remove names; the name server's own entry stays")
    .argument('[name]', 'the one to remove')
    .option('--prefix <prefix>', 'all that start with it, after it has asked')
    .option(...regex_option)
    .option('--yes', 'do not ask')
    .action(async (name: string | undefined, options: RemoveOptions, command: Command) =>
      remove(openSession(run, command), removalOf(name, options), options.yes === true),
    );
  names
    .command('metadata')
    .description('replace the words that a name carries')
    .argument(...name_argument)
    .argument('[words...]', 'the new ones; none: it carries none any more')
    .action(async (name: string, words: readonly string[], _options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.names.setMetadata(name, words), renderName);
    });
  names
    .command('ping')
    .description('whether the name server answers, and how many names it keeps')
    .action(async (_options: unknown, command: Command) => {
      const session = openSession(run, command);
      session.answer(await session.client.names.ping(), renderNameServer);
    });
}
