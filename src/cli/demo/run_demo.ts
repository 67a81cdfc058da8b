import { fileURLToPath } from 'node:url';
import { IcbdError } from '../../core/errors.js';
import { type CliContext, type Interrupt } from '../context.js';
import { exitCodeOfSignal } from '../exit_codes.js';
import { counted, printable } from '../render/text.js';
import { formatDuration } from '../render/units.js';
import { compareAll } from './compare_all.js';
import { sendAll, tellHistory } from './send_all.js';
import { makeFilesystems, makeImage, startDaemons } from './set_up.js';
import { type Stage, image } from './stage.js';
import { checkMachine } from './machine.js';
import { readPageToken, troubleOf } from './nodes.js';
import { Story } from './story.js';
import {
  type Workspace,
  keepWorkspace,
  makeWorkspace,
  removeLeftovers,
  removeWorkspace,
  removeWorkspaceNow,
} from './workspace.js';

export interface DemoOptions {
  /** Leave all of it running. */
  readonly keep: boolean;
  /** The demo gives up after this long. */
  readonly timeout_ms: number;
}

/** Rejects when `signal` is aborted: a step that hangs must not hold the clean-up. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

async function tell(
  story: Story,
  workspace: Workspace,
  signal: AbortSignal,
  note: (stage: Stage) => void,
): Promise<void> {
  const stage = await makeFilesystems(story, workspace, signal);
  note(stage);
  await startDaemons(stage);
  const numbers = await makeImage(stage);
  const survivor = await sendAll(stage, numbers);
  await tellHistory(stage, survivor);
  await compareAll(stage, numbers);
}

const program = fileURLToPath(new URL('../icbdrep.js', import.meta.url));

async function tellHowToGoOn(story: Story, workspace: Workspace, stage: Stage | undefined): Promise<void> {
  story.heading('It stays: look around');
  if (stage !== undefined) {
    const page_url = await stage.master.client.status().then(
      (status) => status.page_url,
      () => null,
    );
    if (page_url !== null) {
      story.raw(`
  the page:  ${page_url}
  its token: ${readPageToken(workspace)}
`);
    }
    story.raw(`
  alias icbdrep='node ${program}'
  export ICBDREP_SOCKET='${stage.master.socket}'
  icbdrep status
  icbdrep replicas
  icbdrep transfers
  icbdrep snapshots ${image} --node replica1
  icbdrep snapshot create ${image}
  icbdrep send ${image} 4 --to all --wait
  icbdrep transfer history ID
  icbdrep transfer diagram ID
  icbdrep fleet
`);
  }
  story.raw(`
  logs:  ${workspace.directory}/*/daemon.log
  stop it and remove all of it:  sh '${workspace.stop_script}'
`);
}

function tellTrouble(context: CliContext, stage: Stage | undefined): void {
  for (const node of stage === undefined ? [] : [stage.master, ...stage.replicas]) {
    const lines = troubleOf(node, 5);
    if (lines.length === 0) continue;
    context.stderr.write(
      `last of the log of ${node.name}:\n${lines.map((line) => `  ${printable(line)}\n`).join('')}`,
    );
  }
}

interface Limits {
  readonly signal: AbortSignal;
  release(): void;
}

/** The reasons to end early: the operator's signal, and the time. */
function limitsOf(context: CliContext, interrupt: Interrupt, timeout_ms: number): Limits {
  const controller = new AbortController();
  const cancel = context.clock.after(timeout_ms, () => {
    controller.abort(
      new IcbdError('TimedOut', `the demo was not finished after ${formatDuration(timeout_ms)}`, {
        operation: 'demo',
        hint: 'give it more time with --timeout, or look at what hangs with --keep',
      }),
    );
  });
  const abort = (): void => {
    const reason = String(interrupt.signal.reason);
    controller.abort(new IcbdError('Cancelled', `ended by ${reason}`, { operation: 'demo' }));
  };
  if (interrupt.signal.aborted) abort();
  interrupt.signal.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    release: () => {
      cancel();
      interrupt.signal.removeEventListener('abort', abort);
    },
  };
}

/**
 * Shows the whole system on loop devices, and leaves nothing behind, however it ends.
 * @returns the exit code: 0 only if every copy is equal to its source
 * @throws IcbdError why it did not get to its end; after the clean-up
 */
export async function runDemo(context: CliContext, { keep, timeout_ms }: DemoOptions): Promise<number> {
  await checkMachine();
  const story = new Story(context);
  const interrupt = context.catchInterrupt();
  const limits = limitsOf(context, interrupt, timeout_ms);
  const left_over = await removeLeftovers();
  if (left_over > 0) story.line(`removed what ${counted(left_over, 'killed demo')} had left`);
  const workspace = makeWorkspace();
  const removeAtExit = (): void => removeWorkspaceNow(workspace);
  process.once('exit', removeAtExit);
  let stage: Stage | undefined;
  let failure: unknown;
  try {
    const story_told = tell(story, workspace, limits.signal, (made) => {
      stage = made;
    });
    await Promise.race([story_told, whenAborted(limits.signal)]);
  } catch (error) {
    failure = limits.signal.aborted ? limits.signal.reason : error;
  }
  limits.release();
  const is_interrupted = interrupt.signal.aborted;
  if (failure !== undefined && !is_interrupted) tellTrouble(context, stage);
  try {
    if (keep && !is_interrupted) {
      process.removeListener('exit', removeAtExit);
      keepWorkspace(workspace);
      await tellHowToGoOn(story, workspace, stage);
    } else {
      if (is_interrupted) context.stderr.write(`\nicbdrep: ${String(interrupt.signal.reason)}: cleans up\n`);
      else story.heading('Clean-up');
      await removeWorkspace(workspace);
      story.line('stopped the daemons, unmounted, detached the loop devices, removed the files');
    }
  } finally {
    interrupt.release();
  }
  if (is_interrupted) return exitCodeOfSignal(String(interrupt.signal.reason));
  if (failure !== undefined) throw IcbdError.from(failure, 'demo');
  story.raw(`\nDone in ${formatDuration(story.elapsedMs())}.\n`);
  return 0;
}
