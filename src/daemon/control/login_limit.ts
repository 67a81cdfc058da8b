import type { Clock } from '../../core/clock.js';

const window_ms = 60_000;
/** Failed logins of one address in a minute. */
const failures_max = 10;
/** Of all addresses together that were never right. */
const failures_overall_max = 100;
/** Addresses that are remembered because they were right once. */
const known_max = 1_000;

interface Failure {
  readonly address: string;
  readonly at_ms: number;
}

/** Who guesses a token has few tries, and cannot lock out those who know it. */
export class LoginLimit {
  readonly #clock: Clock;
  /** Those of the last minute, oldest first; never more than are allowed overall and by known addresses. */
  #failures: Failure[] = [];
  readonly #known = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Seconds until an address may try again; 0: it may now. */
  waitS(address: string): number {
    const since_ms = this.#clock.now() - window_ms;
    this.#failures = this.#failures.filter(({ at_ms }) => at_ms > since_ms);
    const own = this.#failures.filter((failure) => failure.address === address);
    const freed = own.length >= failures_max ? own.at(-failures_max) : this.#freedOverall(address);
    return freed === undefined ? 0 : Math.max(1, Math.ceil((freed.at_ms - since_ms) / 1_000));
  }

  failed(address: string): void {
    this.#failures.push({ address, at_ms: this.#clock.now() });
  }

  succeeded(address: string): void {
    if (this.#known.size < known_max) this.#known.add(address);
  }

  #freedOverall(address: string): Failure | undefined {
    if (this.#known.has(address) || this.#failures.length < failures_overall_max) return undefined;
    return this.#failures.at(-failures_overall_max);
  }
}
