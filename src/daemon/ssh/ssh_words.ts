const lines_max = 40;
const line_chars_max = 500;

/** What a running ssh says, line by line. A server may put words of its own into it. */
export class SshWords {
  /** The last ones. */
  readonly lines: string[] = [];
  /** Resolves, never rejects, when ssh says no more. */
  readonly finished: Promise<void>;
  #rest = '';

  constructor(source: AsyncIterable<Buffer> | Iterable<Buffer>, onLine: (line: string) => void) {
    this.finished = this.#read(source, onLine);
  }

  async #read(
    source: AsyncIterable<Buffer> | Iterable<Buffer>,
    onLine: (line: string) => void,
  ): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const block of source) {
        const parts = (this.#rest + decoder.decode(block, { stream: true })).split('\n');
        this.#rest = (parts.pop() ?? '').slice(-line_chars_max);
        for (const part of parts) this.#take(part, onLine);
      }
    } catch {
      // Its end says all.
    }
    if (this.#rest !== '') this.#take(this.#rest, onLine);
  }

  #take(said: string, onLine: (line: string) => void): void {
    const line = said
      .replaceAll(/\p{Cc}/gu, ' ')
      .trim()
      .slice(0, line_chars_max);
    this.lines.push(line);
    if (this.lines.length > lines_max) this.lines.shift();
    onLine(line);
  }
}
