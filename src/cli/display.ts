/** What somebody who waits for transfers sees meanwhile: lines that are redrawn on a terminal, else a log. */
import type { Clock } from '../core/clock.js';
import type { TransferReport } from '../core/report.js';
import { type CliContext, type Output, viewOf } from './context.js';
import { Redrawn } from './redrawn.js';
import { progressCells } from './render/progress.js';
import { renderRows } from './render/table.js';
import { counted } from './render/text.js';
import { shownState } from './render/transfer_states.js';
import type { View } from './render/view.js';

export interface ProgressDisplay {
  /** Shows where the transfers stand; always the same transfers. */
  show(transfers: readonly TransferReport[]): void;
  /** A line that stays. */
  note(text: string): void;
}

/** In a log: time between two lines about a transfer whose state does not change, ms. */
const default_log_interval_ms = 3_000;

/** One line for each transfer, redrawn in place. */
export class LiveDisplay implements ProgressDisplay {
  readonly #output: Output;
  readonly #view: () => View;
  readonly #redrawn: Redrawn;

  constructor(output: Output, view: () => View) {
    this.#output = output;
    this.#view = view;
    this.#redrawn = new Redrawn(output);
  }

  show(transfers: readonly TransferReport[]): void {
    const view = this.#view();
    const rows_max = Math.max(1, (this.#output.terminal()?.rows ?? 24) - 3);
    // Those that run are what somebody watches; the others follow in their order.
    const sorted = transfers.toSorted((a, b) => Number(a.settled) - Number(b.settled));
    const shown = transfers.length <= rows_max ? transfers : sorted.slice(0, rows_max);
    const cells = shown.map((transfer) => progressCells(transfer, view.now_ms, { bar: true }));
    const more = transfers.length - shown.length;
    const text = renderRows(cells, view) + (more > 0 ? `and ${counted(more, 'more transfer')}\n` : '');
    this.#redrawn.draw(text);
  }

  note(text: string): void {
    this.#redrawn.note(text);
  }
}

/** A line whenever a transfer's state or attempt changes, and every few seconds. */
export class LogDisplay implements ProgressDisplay {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #interval_ms: number;
  readonly #view: () => View;
  readonly #last = new Map<string, { readonly key: string; readonly at_ms: number }>();

  constructor(output: Output, clock: Clock, view: () => View, interval_ms: number) {
    this.#output = output;
    this.#clock = clock;
    this.#interval_ms = interval_ms;
    this.#view = view;
  }

  show(transfers: readonly TransferReport[]): void {
    const now_ms = this.#clock.now();
    for (const transfer of transfers) {
      const key = `${shownState(transfer)} ${transfer.attempt}`;
      const last = this.#last.get(transfer.id);
      const is_old = last === undefined || now_ms - last.at_ms >= this.#interval_ms;
      if (last?.key === key && (transfer.settled || !is_old)) continue;
      this.#last.set(transfer.id, { key, at_ms: now_ms });
      const cells = progressCells(transfer, now_ms, { bar: false });
      this.#output.write(renderRows([cells], this.#view()));
    }
  }

  note(text: string): void {
    this.#output.write(`${text}\n`);
  }
}

/**
 * The display that fits to `output`.
 * @param log_interval_ms where it is no terminal: time between two lines about the same state
 */
export function makeDisplay(
  context: CliContext,
  output: Output,
  log_interval_ms = default_log_interval_ms,
): ProgressDisplay {
  const view = (): View => viewOf(context, output);
  const is_live = output.terminal() !== null && context.env['TERM'] !== 'dumb';
  return is_live
    ? new LiveDisplay(output, view)
    : new LogDisplay(output, context.clock, view, log_interval_ms);
}
