/** What somebody who watches transfers sees: a screen that is redrawn, lines of a log, or lines of JSON. */
import type { TransferReport } from '../core/report.js';
import { type CliContext, type Output, viewOf } from './context.js';
import { LogDisplay } from './display.js';
import { Redrawn } from './redrawn.js';
import { type Watched, renderWatched } from './render/watch.js';
import type { View } from './render/view.js';

export interface WatchDisplay {
  /** Whether it shows the events as well. */
  readonly wants_events: boolean;
  show(watched: readonly Watched[]): void;
  note(text: string): void;
}

/** In a log: time between two lines about a transfer whose state does not change, ms. */
const log_interval_ms = 3_000;

/** Draws over what it drew before; what it drew last stays. */
class ScreenDisplay implements WatchDisplay {
  readonly wants_events = true;
  readonly #output: Output;
  readonly #view: () => View;
  readonly #redrawn: Redrawn;

  constructor(output: Output, view: () => View) {
    this.#output = output;
    this.#view = view;
    this.#redrawn = new Redrawn(output);
  }

  show(watched: readonly Watched[]): void {
    const rows = (this.#output.terminal()?.rows ?? 24) - 1;
    this.#redrawn.draw(renderWatched(watched, rows, this.#view()));
  }

  note(text: string): void {
    this.#redrawn.note(text);
  }
}

/** One line of JSON, a whole TransferReport, whenever something of a transfer has changed. */
class JsonDisplay implements WatchDisplay {
  readonly wants_events = false;
  readonly #context: CliContext;
  readonly #last = new Map<string, string>();

  constructor(context: CliContext) {
    this.#context = context;
  }

  show(watched: readonly Watched[]): void {
    for (const { transfer } of watched) {
      const text = JSON.stringify(transfer satisfies TransferReport);
      if (this.#last.get(transfer.id) === text) continue;
      this.#last.set(transfer.id, text);
      this.#context.stdout.write(`${text}\n`);
    }
  }

  note(text: string): void {
    this.#context.stderr.write(`icbdrep: ${text}\n`);
  }
}

/** The display that fits to standard output. */
export function makeWatchDisplay(context: CliContext, is_json: boolean): WatchDisplay {
  if (is_json) return new JsonDisplay(context);
  const { stdout, clock, env } = context;
  const view = (): View => viewOf(context, stdout);
  if (stdout.terminal() !== null && env['TERM'] !== 'dumb') return new ScreenDisplay(stdout, view);
  const log = new LogDisplay(stdout, clock, view, log_interval_ms);
  return {
    wants_events: false,
    show: (watched) => log.show(watched.map(({ transfer }) => transfer)),
    note: (text) => log.note(text),
  };
}
