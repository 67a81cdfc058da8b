import type { Output } from './context.js';

/** Text on a terminal that is drawn over again and again; what was drawn last stays. */
export class Redrawn {
  readonly #output: Output;
  #drawn = '';

  constructor(output: Output) {
    this.#output = output;
  }

  draw(text: string): void {
    if (text === this.#drawn) return;
    this.#output.write(this.#erase() + text);
    this.#drawn = text;
  }

  /** A line that stays, above what is drawn. */
  note(text: string): void {
    this.#output.write(`${this.#erase()}${text}\n${this.#drawn}`);
  }

  /** Moves to the first of the drawn lines and clears from there. */
  #erase(): string {
    const lines = this.#drawn.split('\n').length - 1;
    return lines === 0 ? '' : `\u001b[${lines}A\u001b[0J`;
  }
}
