import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { viewOf } from '../context.js';
import { exit_codes } from '../exit_codes.js';
import { type Viewed, renderView, renderViewAt } from '../render/view_step.js';
import type { CliRun, GlobalOptions } from '../session.js';
import { canStep, runStepper } from '../stepper/run_stepper.js';

export interface ViewOptions extends GlobalOptions {
  readonly at?: number;
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

/** Shows an export: one step, all of them, or whichever somebody at the terminal goes to. */
export async function showView(viewed: Viewed, { at, json }: ViewOptions, run: CliRun): Promise<void> {
  const { context } = run;
  const { report } = viewed;
  const view = viewOf(context, context.stdout);
  const answer = (value: unknown): void => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  if (report.departure !== null) run.exit_code = exit_codes.different;
  if (at !== undefined) {
    const index = indexOf(viewed, at);
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
