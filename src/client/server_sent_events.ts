/** The form in which a daemon tells what happens: https://html.spec.whatwg.org/multipage/server-sent-events.html */

/** One block of the stream; one without data only moves the place from which to go on. */
export interface SentEvent {
  readonly type: string;
  readonly data: string;
  /** Empty if the block has none. */
  readonly id: string;
}

/** Takes the text of a stream as it comes, and gives the blocks that are whole. */
export class SentEventParser {
  #rest = '';
  #type = '';
  #data: string[] = [];
  #id = '';

  take(text: string): SentEvent[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const found: SentEvent[] = [];
    for (const line of lines) {
      if (line !== '') {
        this.#line(line);
        continue;
      }
      if (this.#id !== '' || this.#data.length > 0) {
        found.push({ type: this.#type, data: this.#data.join('\n'), id: this.#id });
      }
      this.#type = '';
      this.#data = [];
      this.#id = '';
    }
    return found;
  }

  #line(line: string): void {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    if (field === 'data') this.#data.push(value);
    if (field === 'id') this.#id = value;
  }
}
