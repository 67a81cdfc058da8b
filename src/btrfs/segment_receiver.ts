/** `btrfs receive` for segments. */
import { IcbdError, type ErrorReport } from '../core/errors.js';
import type { Child } from '../pipeline/child.js';
import { failureOfChild, failureOfEarlyEnd } from '../pipeline/child_failure.js';
import { ChildInput } from '../pipeline/child_input.js';

/** Takes one segment (and the empty final one right behind it). */
export interface PartReceiver {
  /**
   * @param onWritten called once when the memory of the chunks may be used again
   * @throws IcbdError why no more is taken
   */
  write(chunks: readonly Buffer[], onWritten?: () => void): Promise<void>;
  /** Returns when the segment is finished; nothing says yet that it is on disk. @throws IcbdError why it is not */
  finish(): Promise<void>;
  /** Ends it at once, and waits until it is gone; never throws. */
  stop(reason: ErrorReport): Promise<void>;
}

/** One `btrfs receive`: that it ended with exit code 0 is how the segment is known to be finished. */
export class SegmentReceiver implements PartReceiver {
  readonly #child: Child;
  readonly #input: ChildInput;
  #is_input_over = false;

  /**
   * @param child a `btrfs receive` that gets a pipe as its stdin
   * @param onFailure told when it ends before `finish` was called, since it may do so while nothing is written
   */
  constructor(child: Child, onFailure: (cause: IcbdError) => void = () => undefined) {
    this.#child = child;
    if (child.stdin === undefined) {
      throw new IcbdError('Internal', 'the child has no stdin', { operation: 'btrfs receive' });
    }
    this.#input = new ChildInput(child.stdin);
    void child.finished.then((end) => {
      if (!this.#is_input_over) onFailure(failureOfEarlyEnd(child, end));
    });
  }

  async write(chunks: readonly Buffer[], onWritten?: () => void): Promise<void> {
    await this.#input.write(chunks, onWritten).catch(() => this.#failEarly());
  }

  async finish(): Promise<void> {
    this.#is_input_over = true;
    await this.#input.end().catch(() => this.#failEarly());
    const failure = failureOfChild(this.#child, await this.#child.finished);
    if (failure !== undefined) throw failure;
  }

  async stop(reason: ErrorReport): Promise<void> {
    this.#child.stop(reason);
    await this.#child.finished;
  }

  async #failEarly(): Promise<never> {
    throw failureOfEarlyEnd(this.#child, await this.#child.finished);
  }
}
