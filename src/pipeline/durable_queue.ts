/** Makes finished parts durable while the next ones are received. */

/** One that runs and one that waits. */
const jobs_max = 2;

/**
 * Runs one job after the other in the background. At most one runs and one waits: what is not yet durable, and
 * would be lost with the power, is never more than two segments and the one that is being received.
 */
export class DurableQueue<T> {
  readonly #work: (item: T) => Promise<void>;
  readonly #jobs: Promise<void>[] = [];
  #failure: { readonly cause: unknown } | undefined;

  constructor(work: (item: T) => Promise<void>) {
    this.#work = work;
  }

  /**
   * Hands over an item; returns at once unless another one waits already.
   * @throws what the work threw for an earlier one; nothing is worked on after that
   */
  async push(item: T): Promise<void> {
    while (this.#jobs.length >= jobs_max) await this.#jobs[0];
    this.#check();
    this.#jobs.push(this.#runAfter(this.#jobs.at(-1), item));
  }

  /** Waits until all work is done. @throws what the work threw */
  async drain(): Promise<void> {
    await this.#jobs.at(-1);
    this.#check();
  }

  async #runAfter(earlier: Promise<void> | undefined, item: T): Promise<void> {
    await earlier;
    try {
      if (this.#failure === undefined) await this.#work(item);
    } catch (cause) {
      this.#failure = { cause };
    }
    void this.#jobs.shift();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
