/** `transfer export`, `transfer view`, and the same of replicas and images. */
import { rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { InspectedKind } from '../../client/inspection.js';
import { IcbdError } from '../../core/errors.js';
import type { ExportFile } from '../../core/export_file.js';
import { parseTransferId } from '../arguments.js';
import { counted, printable } from '../render/text.js';
import { formatBytes } from '../render/units.js';
import { type CliRun, openSession } from '../session.js';
import { type ViewOptions, parsePlace, showView } from './view.js';

interface ExportOptions {
  readonly output?: string;
  readonly force?: boolean;
}

const inspected: readonly {
  readonly kind: InspectedKind;
  readonly argument: string;
  readonly what: string;
}[] = [
  { kind: 'transfer', argument: '<id>', what: 'its id, or the number it begins with' },
  { kind: 'replica', argument: '<replica>', what: 'its name or number' },
  { kind: 'image', argument: '<name>', what: "the image's name" },
];

/** For a file's name: what an id can have besides is left out. */
const plainName = (id: string): string => id.replaceAll(/[^\w.-]/g, '_').replace(/^\.+/, '');

/** @throws IcbdError `InvalidArgument` if it is there already or cannot be written */
function writeExport(file: string, text: string, is_forced: boolean): void {
  try {
    writeFileSync(file, text, { flag: is_forced ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const details = { operation: 'write export', subject: file, cause: error };
    if (code === 'EEXIST') {
      const hint = 'give --force to write over it, or another name with -o';
      throw new IcbdError('InvalidArgument', `${file} is there already`, { ...details, hint });
    }
    // Half of an export is none.
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') rmSync(file, { force: true });
    const hint = 'name another file with -o, or -o - for standard output';
    throw new IcbdError('InvalidArgument', `${file} cannot be written: ${message}`, { ...details, hint });
  }
}

function describeExport(file: string, text: string, { events, actor }: ExportFile): string {
  const size = formatBytes(Buffer.byteLength(text));
  const what = `${actor.kind} ${actor.id}, ${counted(events.length, 'event')}, ${size}`;
  return `${printable(file)}: ${printable(what)}\nlook at it anywhere: icbdrep view ${printable(file)}\n`;
}

async function exportActor(
  kind: InspectedKind,
  id: string,
  { output, force }: ExportOptions,
  run: CliRun,
  command: Command,
): Promise<void> {
  const { client, context, is_json } = openSession(run, command);
  const exported = await client.inspection.export(kind, id);
  const text = `${JSON.stringify(exported, null, 1)}\n`;
  const is_for_people = context.stdout.terminal() !== null && !is_json;
  const file = output ?? (is_for_people ? `${kind}-${plainName(exported.actor.id)}.json` : '-');
  if (file === '-') {
    context.stdout.write(text);
    return;
  }
  writeExport(file, text, force === true);
  const answer = {
    file,
    actor: `${exported.actor.kind}/${exported.actor.id}`,
    events: exported.events.length,
  };
  context.stdout.write(is_json ? `${JSON.stringify(answer)}\n` : describeExport(file, text, exported));
}

/** To be called when the groups `transfer`, `replica` and `image` are there. */
export function addExportCommands(program: Command, run: CliRun): void {
  for (const { kind, argument, what } of inspected) {
    const group = program.commands.find((command) => command.name() === kind);
    if (group === undefined) throw new Error(`there is no group ${kind}`);
    const name = kind === 'transfer' ? parseTransferId : (value: string): string => value;
    group
      .command('export')
      .description(`all that is kept of one ${kind} in one file, for \`icbdrep view\` on any machine`)
      .argument(argument, what, name)
      .option('-o, --output <file>', `default: standard output, at a terminal ${kind}-ID.json`)
      .option('--force', 'write over a file that is there')
      .action((id: string, options: ExportOptions, command: Command) =>
        exportActor(kind, id, options, run, command),
      );
    group
      .command('view')
      .description(`step through one ${kind}: what it knew at each step, and why it did what it did`)
      .argument(argument, what, name)
      .option('--at <step>', 'only this step; -1 is the last', parsePlace)
      .action(async (id: string, _options: unknown, command: Command) => {
        const { client } = openSession(run, command);
        const { viewActor } = await import('../../tools/view.js');
        const viewed = viewActor(await client.inspection.export(kind, id));
        await showView(viewed, command.optsWithGlobals<ViewOptions>(), run);
      });
  }
}
