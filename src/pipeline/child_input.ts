import type { Writable } from 'node:stream';

/** Enough that the child never waits for us, measured; more only costs memory. */
const queued_bytes_max = 2 * 1024 * 1024;

/** The child closed its stdin; why, its end will tell. Never leaves the pipeline. */
export class BrokenInput extends Error {
  override readonly name = 'BrokenInput';
}

/** Writes to a child's stdin with backpressure by bytes. */
export class ChildInput {
  readonly #stream: Writable;
  #queued_bytes = 0;
  #is_broken = false;
  #wake: (() => void) | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    const onBroken = () => this.#break();
    stream.on('error', onBroken);
    stream.on('close', onBroken);
  }

  /**
   * Queues the chunks and waits while more than 2 MiB wait for the child.
   * @param onWritten called once when the kernel has taken them all; not called if the pipe breaks
   * @throws BrokenInput
   */
  async write(chunks: readonly Buffer[], onWritten?: () => void): Promise<void> {
    let left = chunks.length;
    if (left === 0) onWritten?.();
    if (left > 1) this.#stream.cork();
    for (const chunk of chunks) {
      this.#queued_bytes += chunk.length;
      this.#stream.write(chunk, (error) => {
        this.#queued_bytes -= chunk.length;
        left -= 1;
        // A write that was under way when the stream was destroyed is reported as a good one.
        if (error || this.#stream.destroyed) this.#break();
        else if (left === 0) onWritten?.();
        if (this.#queued_bytes <= queued_bytes_max) this.#wakeWriter();
      });
    }
    if (chunks.length > 1) this.#stream.uncork();
    while (!this.#is_broken && this.#queued_bytes > queued_bytes_max) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#is_broken) throw new BrokenInput('stdin is closed');
  }

  /** Closes stdin when all is written. @throws BrokenInput */
  async end(): Promise<void> {
    if (this.#is_broken) throw new BrokenInput('stdin is closed');
    await new Promise<void>((resolve, reject) => {
      this.#stream.end((error?: Error | null) => {
        if (error) reject(new BrokenInput('stdin is closed'));
        else resolve();
      });
    });
  }

  #break(): void {
    this.#is_broken = true;
    this.#wakeWriter();
  }

  #wakeWriter(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
