import type { Command } from 'commander';
import { IcbdError } from '../../core/errors.js';
import { parseCount } from '../arguments.js';
import type { CliRun, GlobalOptions } from '../session.js';

interface DemoCommandOptions extends GlobalOptions {
  readonly keep?: boolean;
  readonly timeout: number;
}

/** `demo`. */
export function addDemoCommand(program: Command, run: CliRun): void {
  program
    .command('demo')
    .description(
      'the whole system on loop devices: a master, two replicas, a crash; needs root, leaves nothing',
    )
    .option('--keep', 'leave all of it running, and say how to look around and how to stop it')
    .option('--timeout <seconds>', 'give up and clean up after so long', parseCount, 180)
    .action(async (_options: unknown, command: Command) => {
      const { keep, timeout, json } = command.optsWithGlobals<DemoCommandOptions>();
      if (json === true) {
        throw new IcbdError('InvalidArgument', 'the demo is for people: it has no --json', {
          operation: 'read the command line',
          hint: 'leave --json out; the exit code says whether all copies were equal',
        });
      }
      // Only now: what the tools need takes longer to load than most commands to run.
      const { runDemo } = await import('../demo/run_demo.js');
      run.exit_code = await runDemo(run.context, { keep: keep === true, timeout_ms: timeout * 1_000 });
    });
}
