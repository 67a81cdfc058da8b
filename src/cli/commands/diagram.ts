/** `transfer diagram`, `replica diagram`, `image diagram`, `machine diagram`. */
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { InspectedKind } from '../../client/inspection.js';
import { IcbdError } from '../../core/errors.js';
import type { DiagramReport, MachineGraph } from '../../core/machine_report.js';
import { type Diagram, bareDiagram } from '../../diagram/chart.js';
import { renderDot } from '../../diagram/dot.js';
import { renderMermaid } from '../../diagram/mermaid.js';
import { renderSvg } from '../../diagram/svg.js';
import { renderText } from '../../diagram/text.js';
import { parseTransferId } from '../arguments.js';
import type { View } from '../render/view.js';
import { type CliRun, type Session, openSession } from '../session.js';

const formats = ['text', 'svg', 'dot', 'mermaid'] as const;

interface DiagramOptions {
  readonly format?: (typeof formats)[number];
  readonly output?: string;
}

const kinds = ['transfer', 'replica', 'image', 'reception'];

/** What a file's name ends with, for each format. */
const endings: Readonly<Record<string, DiagramOptions['format']>> = {
  svg: 'svg',
  dot: 'dot',
  gv: 'dot',
  mmd: 'mermaid',
  mermaid: 'mermaid',
};

/** As asked for, or as the name of the file says. */
function formatOf({ format, output = '' }: DiagramOptions): (typeof formats)[number] {
  const ending = /\.(\w+)$/.exec(output)?.[1] ?? '';
  return format ?? endings[ending] ?? 'text';
}

/** @throws IcbdError `InvalidArgument` if the file cannot be written */
function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new IcbdError('InvalidArgument', `${file} cannot be written: ${(error as Error).message}`, {
      operation: 'write diagram',
      subject: file,
      hint: 'name another file with --output, or none for standard output',
      cause: error,
    });
  }
}

function render(diagram: Diagram, name: string | undefined, options: DiagramOptions, view?: View): string {
  switch (formatOf(options)) {
    case 'svg':
      return renderSvg(diagram);
    case 'dot':
      return renderDot(diagram);
    case 'mermaid':
      return renderMermaid(diagram);
    case 'text':
      return renderText(diagram, { columns: Math.max(40, view?.columns ?? 80), name });
  }
}

/** Prints the drawing, or writes it to a file and says so. */
function answer(
  session: Session,
  report: DiagramReport | MachineGraph,
  draw: (view?: View) => string,
  { output }: DiagramOptions,
): void {
  if (output === undefined) {
    session.answer(report, (_report, view) => draw(view));
    return;
  }
  writeTo(output, session.is_json ? `${JSON.stringify(report, null, 2)}\n` : draw());
  session.context.stderr.write(`written to ${output}\n`);
}

function withOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'default: what the name of the file ends with, or text').choices(
        formats,
      ),
    )
    .option('--output <file>', 'write it to this file');
}

function addTo(program: Command, run: CliRun, kind: InspectedKind, what: string): Command | undefined {
  const group = program.commands.find((command) => command.name() === kind);
  if (group === undefined) return undefined;
  return withOptions(
    group
      .command('diagram')
      .description(
        `draw the machine of ${kind === 'image' ? 'an' : 'a'} ${kind}: where it is, and the way it took`,
      ),
  )
    .argument(
      `<${kind === 'transfer' ? 'id' : kind}>`,
      what,
      kind === 'transfer' ? parseTransferId : undefined,
    )
    .action(async (id: string, options: DiagramOptions, command: Command) => {
      const session = openSession(run, command);
      const report: DiagramReport = await session.client.inspection.diagram(kind, id);
      answer(session, report, (view) => render(report, report.id, options, view), options);
    });
}

/** To be called when the groups `transfer`, `replica` and `image` are there. */
export function addDiagramCommands(program: Command, run: CliRun): void {
  addTo(program, run, 'transfer', 'its id, or the beginning of it');
  addTo(program, run, 'replica', 'its name or number');
  addTo(program, run, 'image', 'its name');
  const machine = program.command('machine').description('look at a machine itself');
  withOptions(
    machine.command('diagram').description('draw a machine as its definition has it: all that can happen'),
  )
    .addArgument(machine.createArgument('<kind>', 'of its actors').choices(kinds))
    .action(async (kind: string, options: DiagramOptions, command: Command) => {
      const session = openSession(run, command);
      const graph = await session.client.inspection.graph(kind);
      answer(session, graph, (view) => render(bareDiagram(graph), undefined, options, view), options);
    });
}
