import { type Command, Option } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { pathOf, takenSteps } from '../../core/path.js';
import type { Diagram } from '../../diagram/chart.js';
import { viewOf } from '../context.js';
import { exit_codes } from '../exit_codes.js';
import { type Viewed, renderView, renderViewAt } from '../render/view_step.js';
import type { CliRun, GlobalOptions } from '../session.js';
import { canStep, runStepper } from '../stepper/run_stepper.js';

const diagram_formats = ['text', 'svg', 'dot', 'mermaid'] as const;

export interface ViewOptions extends GlobalOptions {
  readonly at?: number;
  readonly diagram?: (typeof diagram_formats)[number];
}

/** A whole number; a negative one counts from the end. */
export function parsePlace(value: string): number {
  if (/^-?\d{1,9}$/.test(value) && Number(value) !== 0) return Number(value);
  throw new IcbdError('InvalidArgument', `${JSON.stringify(value)} is no step`, {
    operation: 'read the command line',
    subject: value,
    hint: 'give the number of a step, or -1 for the last, -2 for the one before it',
  });
}

/** @throws IcbdError `InvalidArgument` if there is no such step */
function indexOf({ report, file }: Viewed, at: number): number {
  const { steps } = report;
  const index = at < 0 ? steps.length + at : steps.findIndex(({ seq }) => seq === at);
  if (steps[index] !== undefined) return index;
  const [first, last] = [steps[0]?.seq, steps.at(-1)?.seq];
  throw new IcbdError('InvalidArgument', `${file.actor.kind} ${file.actor.id} has no step ${at}`, {
    operation: 'view',
    subject: String(at),
    hint: first === undefined ? 'it has no steps at all' : `it has the steps ${first} to ${last}`,
  });
}

/** The machine as the file has it, and the way that the actor had taken up to a step. */
function diagramAt({ file, report }: Viewed, index: number): Diagram {
  const { actor, events, graph } = file;
  const step = report.steps[index];
  const is_last = index === report.steps.length - 1;
  const taken = takenSteps(events.filter(({ seq }) => step === undefined || seq <= step.seq));
  const parked_reason = is_last ? actor.parked_reason : '';
  return { graph, state: step?.state ?? actor.state, parked_reason, ...pathOf(taken) };
}

async function drawn(viewed: Viewed, index: number, format: string, columns: number): Promise<string> {
  const diagram = diagramAt(viewed, index);
  switch (format) {
    case 'svg':
      return (await import('../../diagram/svg.js')).renderSvg(diagram);
    case 'dot':
      return (await import('../../diagram/dot.js')).renderDot(diagram);
    case 'mermaid':
      return (await import('../../diagram/mermaid.js')).renderMermaid(diagram);
    default:
      return (await import('../../diagram/text.js')).renderText(diagram, {
        columns: Math.max(40, columns),
        name: viewed.file.actor.id,
      });
  }
}

/** Shows an export: one step, all of them, or whichever somebody at the terminal goes to. */
export async function showView(
  viewed: Viewed,
  { at, diagram, json }: ViewOptions,
  run: CliRun,
): Promise<void> {
  const { context } = run;
  const { report } = viewed;
  const view = viewOf(context, context.stdout);
  const answer = (value: unknown): void => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  if (report.departure !== null) run.exit_code = exit_codes.different;
  const index = at === undefined ? report.steps.length - 1 : indexOf(viewed, at);
  if (diagram !== undefined) {
    context.stdout.write(await drawn(viewed, index, diagram, view.columns ?? 80));
  } else if (at !== undefined) {
    if (json === true) answer({ ...report, steps: [report.steps[index]] });
    else context.stdout.write(renderViewAt(viewed, index, view));
  } else if (json === true) {
    answer(report);
  } else if (canStep(context)) {
    await runStepper(viewed, context);
  } else {
    context.stdout.write(renderView(viewed, view));
  }
}

/** `view`. */
export function addViewCommand(program: Command, run: CliRun): void {
  program
    .command('view <file>')
    .description(
      'step through an export: what an actor knew, and why it did what it did; "-" is standard input',
    )
    .option('--at <step>', 'only this step; -1 is the last', parsePlace)
    .addOption(
      new Option('--diagram <format>', 'draw its machine, and the way it took up to the step').choices(
        diagram_formats,
      ),
    )
    .addHelpText(
      'after',
      '\nAt a terminal: n and p step forward and back, / searches, q quits. Needs no daemon, and does nothing.\n' +
        'Exit code 1 if the events do not make what was written down; it says at which event they depart.\n',
    )
    .action(async (file: string, _options: unknown, command: Command) => {
      const { openExport } = await import('../../tools/view.js');
      await showView(await openExport(file), command.optsWithGlobals<ViewOptions>(), run);
    });
}
