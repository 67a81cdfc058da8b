/** Keeps one link up: dials, waits, dials again. */
import { jittered_ms, type BackoffPolicy } from '../core/backoff.js';
import type { Clock } from '../core/clock.js';
import type { ErrorCode, ErrorReport, IcbdError } from '../core/errors.js';
import type { TransportLog } from './transport_log.js';

/** After a link broke, or could not be made: first soon, since most of what breaks one is over at once. */
export const redial_policy: BackoffPolicy = { first_ms: 400, factor: 2, max_ms: 10_000 };
/** The peer stops, and says so to all of its links at the same moment. */
export const leaving_policy: BackoffPolicy = { first_ms: 2_000, factor: 2, max_ms: 10_000 };
/** The peer refuses for a reason that hardly passes by itself. */
const refused_ms = { min: 7_500, max: 10_000 };
/** A link that was up for this long starts the waiting times anew; a shorter one counts as a failure. */
const good_link_ms = 10_000;

export interface Connection {
  close(reason: ErrorReport): void;
}

export interface RedialOptions {
  readonly clock: Clock;
  /** Spreads the nodes that lost the same peer together. */
  readonly randomBytes: (size: number) => Buffer;
  /**
   * Makes one link. Exactly one of `onUp` (once, before `onEnded`) and `onEnded` comes first.
   * @returns what gives the attempt up; `onEnded` need not come after it
   */
  readonly dial: (hooks: { onUp(link: Connection): void; onEnded(reason: IcbdError): void }) => () => void;
  readonly onRefused?: (reason: IcbdError) => void;
  readonly log: (entry: TransportLog) => void;
}

const hopeless = new Set(['AuthenticationFailed', 'ProtocolVersionMismatch', 'NotPermitted']);

/**
 * The wait before the next attempt in ms, with full jitter.
 * @param failures attempts and short links in a row that failed, from 1
 * @param random from 0 to below 1
 */
export function redialWait(failures: number, code: ErrorCode, random: number): number {
  if (hopeless.has(code)) return refused_ms.min + (refused_ms.max - refused_ms.min) * random;
  return jittered_ms(failures, random, code === 'Interrupted' ? leaving_policy : redial_policy);
}

export class Redialer {
  readonly #options: RedialOptions;
  #failures = 0;
  #cancel: () => void = () => undefined;
  #link: Connection | undefined;
  #is_running = false;

  constructor(options: RedialOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#is_running) return;
    this.#is_running = true;
    this.#dial();
  }

  /** Ends the link or the attempt; nothing is dialled any more. */
  stop(reason: ErrorReport): void {
    this.#is_running = false;
    const link = this.#link;
    this.#link = undefined;
    link?.close(reason);
    this.#cancel();
  }

  #dial(): void {
    const { clock, dial } = this.#options;
    let up_at_ms: number | undefined;
    let is_over = false;
    const giveUp = dial({
      onUp: (link) => {
        if (is_over) return;
        up_at_ms = clock.now();
        this.#link = link;
      },
      onEnded: (reason) => {
        if (is_over) return;
        is_over = true;
        this.#link = undefined;
        if (!this.#is_running) return;
        if (up_at_ms !== undefined && clock.now() - up_at_ms >= good_link_ms) this.#failures = 0;
        this.#wait(reason);
      },
    });
    if (is_over) return;
    this.#cancel = () => {
      is_over = true;
      giveUp();
    };
  }

  #wait(reason: IcbdError): void {
    const { clock, randomBytes, log, onRefused } = this.#options;
    this.#failures += 1;
    const is_refused = hopeless.has(reason.code);
    const random = randomBytes(4).readUInt32LE() / 2 ** 32;
    const retry_ms = Math.round(redialWait(this.#failures, reason.code, random));
    log({ kind: 'dial_failed', error: reason.toReport(), retry_ms });
    this.#cancel = clock.after(retry_ms, () => {
      this.#dial();
    });
    if (is_refused) onRefused?.(reason);
  }
}
