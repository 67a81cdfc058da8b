import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { type CliContext, type Terminal, viewOf } from '../context.js';
import type { Viewed } from '../render/view_step.js';
import { Stepper, splitKeys } from './stepper.js';

/** The other screen of a terminal, which leaves what stood there before as it was. */
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H\u001b[2J';

/** Whether somebody sits at a terminal that can be redrawn. */
export function canStep(context: CliContext): boolean {
  if (context.stdout.terminal() === null || context.env['TERM'] === 'dumb') return false;
  const terminal = context.openInput?.().terminal;
  return terminal !== null && terminal !== undefined;
}

/** Steps through an export until somebody quits. To be called only where `canStep`. */
export async function runStepper(viewed: Viewed, context: CliContext): Promise<void> {
  const input = context.openInput?.();
  if (input === undefined || input.terminal === null) return;
  const { stream } = input;
  const terminal: Terminal = input.terminal;
  const interrupt = context.catchInterrupt();
  const stepper = new Stepper(viewed);
  const draw = (): void => {
    const size = context.stdout.terminal() ?? { columns: 80, rows: 24 };
    context.stdout.write(home + stepper.draw(size, viewOf(context, context.stdout)));
  };
  const decoder = new StringDecoder('utf8');
  const quit = new AbortController();
  const take = (bytes: Buffer): void => {
    for (const key of splitKeys(decoder.write(bytes))) if (!stepper.has_quit) stepper.press(key);
    if (stepper.has_quit) quit.abort();
    else draw();
  };
  // A terminal that is gone.
  const end = (): void => quit.abort();
  const over = AbortSignal.any([quit.signal, interrupt.signal]);
  terminal.setRawMode(true);
  terminal.screen.on('resize', draw);
  stream.on('data', take).on('end', end).on('close', end).on('error', end);
  try {
    context.stdout.write(enter);
    draw();
    if (!over.aborted) await once(over, 'abort');
  } finally {
    stream.off('data', take).off('end', end).off('close', end).off('error', end).pause();
    terminal.screen.off('resize', draw);
    terminal.setRawMode(false);
    context.stdout.write(leave);
    interrupt.release();
  }
}
