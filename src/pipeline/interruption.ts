import type { IcbdError } from '../core/errors.js';

/**
 * The first cause of a failure, and the means to leave whatever is being waited for when it comes.
 * It makes no promise that lives as long as the stream: racing every write against one would keep them all in memory.
 */
export class Interruption {
  readonly #onFirst: (cause: IcbdError) => void;
  #cause: IcbdError | undefined;
  #reject: ((cause: IcbdError) => void) | undefined;

  /** @param onFirst called once, with the first cause */
  constructor(onFirst: (cause: IcbdError) => void) {
    this.#onFirst = onFirst;
  }

  get cause(): IcbdError | undefined {
    return this.#cause;
  }

  /** Names the cause if none is named yet. */
  fail(cause: IcbdError): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#onFirst(cause);
    this.#reject?.(cause);
  }

  /** The same promise, left early with the cause if one is named. One at a time. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
      if (this.#cause !== undefined) reject(this.#cause);
    });
  }
}
