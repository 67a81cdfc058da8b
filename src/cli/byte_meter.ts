/** How far a long reading is: one line on a terminal, redrawn in place; nothing anywhere else. */
import type { CliContext } from './context.js';
import { formatBytes, formatPercent, formatRate } from './render/units.js';

/** What is over sooner shows nothing, and the line is redrawn no more often. */
const interval_ms = 500;

export class ByteMeter {
  readonly #context: CliContext;
  readonly #total_bytes: number | null;
  readonly #started_ms: number;
  #drawn_ms: number;
  #is_drawn = false;

  /** @param total_bytes null if it is not known */
  constructor(context: CliContext, total_bytes: number | null) {
    this.#context = context;
    this.#total_bytes = total_bytes;
    this.#started_ms = context.clock.now();
    this.#drawn_ms = this.#started_ms;
  }

  show(bytes: number): void {
    if (this.#context.stderr.terminal() === null) return;
    const now_ms = this.#context.clock.now();
    if (now_ms - this.#drawn_ms < interval_ms) return;
    this.#drawn_ms = now_ms;
    this.#is_drawn = true;
    const total = this.#total_bytes === null ? '' : ` of ${formatBytes(this.#total_bytes)}`;
    const rate = formatRate((bytes * 1_000) / (now_ms - this.#started_ms));
    const parts = [`${formatBytes(bytes)}${total}`, formatPercent(bytes, this.#total_bytes), rate];
    this.#context.stderr.write(`\r\u001b[2K${parts.filter((part) => part !== '').join(', ')}`);
  }

  /** Removes the line; before anything else is written. */
  clear(): void {
    if (this.#is_drawn) this.#context.stderr.write('\r\u001b[2K');
    this.#is_drawn = false;
  }
}
