import type { Clock } from '../core/clock.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import { limits } from '../core/limits.js';

export interface RequestOptions {
  readonly timeout_ms?: number;
  readonly signal?: AbortSignal;
}

interface Pending {
  settle(): void;
  resolve(result: unknown): void;
  reject(reason: IcbdError): void;
}

/** Requests of ours that the peer has not answered. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #next_id = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param send called with the request's id; what it throws rejects
   * @throws IcbdError `TimedOut`, `Cancelled` by the signal, or what `reject` and `rejectAll` were given
   */
  start(method: string, peer: string, options: RequestOptions, send: (id: number) => void): Promise<unknown> {
    const details = { operation: `request ${method}`, subject: peer };
    const { signal } = options;
    const timeout_ms = options.timeout_ms ?? limits.request_ms;
    return new Promise((resolve, reject) => {
      const cancelled = (): IcbdError =>
        signal?.reason instanceof IcbdError
          ? signal.reason
          : new IcbdError('Cancelled', 'the request was given up', { ...details, cause: signal?.reason });
      if (signal?.aborted === true) {
        reject(cancelled());
        return;
      }
      const id = this.#next_id;
      this.#next_id += 1;
      const onAbort = (): void => {
        this.reject(id, cancelled());
      };
      const cancelTimer = this.#clock.after(timeout_ms, () => {
        this.reject(id, new IcbdError('TimedOut', `no answer within ${String(timeout_ms)} ms`, details));
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      const settle = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#pending.set(id, { settle, resolve, reject });
      try {
        send(id);
      } catch (thrown) {
        this.reject(id, IcbdError.from(thrown, details.operation, peer));
      }
    });
  }

  /** @returns whether `id` was ever given to a request; an answer may come after we gave up */
  resolve(id: number, result: unknown): boolean {
    this.#take(id)?.resolve(result);
    return id > 0 && id < this.#next_id;
  }

  reject(id: number, reason: IcbdError): boolean {
    this.#take(id)?.reject(reason);
    return id > 0 && id < this.#next_id;
  }

  rejectAll(reason: ErrorReport): void {
    for (const id of this.#pending.keys()) {
      this.reject(
        id,
        new IcbdError('LinkLost', `the link ended before the answer: ${reason.message}`, reason),
      );
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle();
    return pending;
  }
}
