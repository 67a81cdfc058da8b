/**
 * Watches what goes into a converter, to tell a failure of the source from one of the converter, and where it was.
 */
export class WatchedSource {
  readonly #source: AsyncIterable<Buffer>;
  /** What the source threw. */
  failure: { readonly thrown: unknown } | undefined;
  /** Input before the chunk that was given last, and with it. */
  before_bytes = 0;
  after_bytes = 0;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#source) {
        if (chunk.length === 0) continue;
        this.before_bytes = this.after_bytes;
        this.after_bytes += chunk.length;
        yield chunk;
      }
    } catch (thrown) {
      this.failure = { thrown };
      throw thrown;
    }
  }
}
