/** Server-sent events, as they come in pieces of text. */
export interface SseMessage {
  /** `message` if the server named none; empty if it gave no data: then only the place has moved. */
  readonly event: string;
  readonly data: string;
  /** Empty if the message has none. */
  readonly id: string;
}

/** Takes text as it arrives, cut anywhere, and gives whole messages; comments are left out. */
export class SseParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id = '';

  push(text: string): SseMessage[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?=[\s\S])/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#take(line));
  }

  #take(line: string): SseMessage[] {
    if (line === '') {
      const has_data = this.#data.length > 0;
      const event = has_data ? this.#event || 'message' : '';
      const messages =
        has_data || this.#id !== '' ? [{ event, data: this.#data.join('\n'), id: this.#id }] : [];
      this.#event = '';
      this.#data = [];
      this.#id = '';
      return messages;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    if (field === 'id') this.#id = value;
    return [];
  }
}
