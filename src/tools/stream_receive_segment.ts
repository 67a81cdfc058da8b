/** `btrfs receive` for segments. */
import { IcbdError } from '../core/errors.js';
import { type Child, startChild } from '../pipeline/child.js';
import { failureOfChild, failureOfEarlyEnd } from '../pipeline/child_failure.js';
import { ChildInput } from '../pipeline/child_input.js';

const stopped = new IcbdError('Interrupted', 'the receiving ended', {
  operation: 'btrfs receive',
}).toReport();

/**
 * One `btrfs receive`, which takes one segment (and the empty final one right behind it): that it ended with exit
 * code 0 is how the segment is known to be finished.
 */
export class SegmentReceiver {
  readonly #child: Child;
  readonly #input: ChildInput;

  /**
   * @param args what stands behind `btrfs receive`
   * @throws IcbdError `ProgramNotFound`
   */
  constructor(args: readonly string[]) {
    const options = { program: 'btrfs', args: ['receive', ...args], stdout: 'none' } as const;
    this.#child = startChild({ ...options, stdin: 'pipe' });
    if (this.#child.stdin === undefined) {
      throw new IcbdError('Internal', 'the child has no stdin', { operation: 'btrfs receive' });
    }
    this.#input = new ChildInput(this.#child.stdin);
  }

  /**
   * @param onWritten called when the process has taken all of it
   * @throws IcbdError why it ended before
   */
  async write(chunks: readonly Buffer[], onWritten?: () => void): Promise<void> {
    await this.#input.write(chunks, onWritten).catch(() => this.#failEarly());
  }

  /** Returns when the segment is finished; nothing says yet that it is on disk. @throws IcbdError why it is not */
  async finish(): Promise<void> {
    await this.#input.end().catch(() => this.#failEarly());
    const failure = failureOfChild(this.#child, await this.#child.finished);
    if (failure !== undefined) throw failure;
  }

  /** Ends it at once, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#child.stop(stopped);
    await this.#child.finished;
  }

  async #failEarly(): Promise<never> {
    throw failureOfEarlyEnd(this.#child, await this.#child.finished);
  }
}
