import type { Clock } from '../core/clock.js';
import { IcbdError, type ErrorReport } from '../core/errors.js';
import type { TextChannel } from './channel.js';

/** Pings of ours that the other end of a connection has not answered. */
export class PendingPings {
  readonly #clock: Clock;
  /** What gives each of them up. */
  readonly #pending = new Set<(reason: IcbdError) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param peer the node at the other end, for the error
   * @returns the time to the answer in ms; null if other bytes came within `timeout_ms`, and no answer
   * @throws IcbdError `TimedOut`, or `LinkLost` by `rejectAll`
   */
  start(
    channel: Pick<TextChannel, 'ping' | 'received_bytes'>,
    peer: string,
    timeout_ms: number,
  ): Promise<number | null> {
    const clock = this.#clock;
    const asked_ms = clock.now();
    const bytes_before = channel.received_bytes;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#pending.delete(fail);
        forget();
        cancel();
      };
      const fail = (reason: IcbdError): void => {
        stop();
        reject(reason);
      };
      const answer = (round_trip_ms: number | null): void => {
        stop();
        resolve(round_trip_ms);
      };
      const cancel = clock.after(timeout_ms, () => {
        if (channel.received_bytes !== bytes_before) {
          answer(null);
          return;
        }
        const details = { operation: 'ping', subject: peer };
        fail(new IcbdError('TimedOut', `no sign of life within ${String(timeout_ms)} ms`, details));
      });
      const forget = channel.ping(() => {
        answer(Math.max(0, clock.now() - asked_ms));
      });
      this.#pending.add(fail);
    });
  }

  rejectAll(reason: ErrorReport): void {
    for (const fail of this.#pending) {
      fail(new IcbdError('LinkLost', `the link ended before the answer: ${reason.message}`, reason));
    }
  }
}
