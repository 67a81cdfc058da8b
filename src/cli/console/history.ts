import { type HistoryFile, history_lines_max } from './history_file.js';

/** What was typed before, for the arrow keys; what is typed now is added to it and to the file. */
export class History {
  readonly #file: HistoryFile;
  readonly #warn: (text: string) => void;
  #lines: string[] = [];
  #has_warned = false;

  /** @param warn told once if the file cannot be read or written; then lines are kept for this console only */
  constructor(file: HistoryFile, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  async load(): Promise<void> {
    await this.#try(async () => {
      this.#lines = await this.#file.read();
    });
  }

  /** Adds a line, unless it is empty, begins with a space, or is the one before again. */
  async add(line: string): Promise<void> {
    const text = line.trimEnd();
    if (text === '' || /^\s/.test(text) || this.#lines.at(-1) === text) return;
    this.#lines = [...this.#lines, text].slice(-history_lines_max);
    await this.#try(() => this.#file.append(text));
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#has_warned) this.#warn(`the history is not kept: ${(error as Error).message}`);
      this.#has_warned = true;
    }
  }
}
