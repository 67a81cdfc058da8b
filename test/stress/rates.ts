/** How many calls of each kind there were, and how long they took. */

/** Buckets are 2.5 % apart, from 1 microsecond on. */
const step = Math.log(1.025);

class Latencies {
  readonly #counts: number[] = [];
  count = 0;

  add(duration_ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(duration_ms * 1_000, 1)) / step));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.count += 1;
  }

  /** The time, in ms, that this part of all calls did not exceed; at most 2.5 % too much. */
  quantile(part: number): number {
    let left = Math.ceil(this.count * part);
    for (let bucket = 0; bucket < this.#counts.length; bucket += 1) {
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0) return Math.exp(bucket * step) / 1_000;
    }
    return 0;
  }
}

export interface KindRate {
  readonly kind: string;
  readonly calls: number;
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}

export class Rates {
  readonly #kinds = new Map<string, Latencies>();

  add(kind: string, duration_ms: number): void {
    let latencies = this.#kinds.get(kind);
    if (latencies === undefined) {
      latencies = new Latencies();
      this.#kinds.set(kind, latencies);
    }
    latencies.add(duration_ms);
  }

  /** Forgets all calls so far. */
  clear(): void {
    this.#kinds.clear();
  }

  get calls(): number {
    return [...this.#kinds.values()].reduce((sum, { count }) => sum + count, 0);
  }

  /** By kind, in alphabetical order. */
  report(seconds: number): KindRate[] {
    const rates = [...this.#kinds].map(([kind, latencies]) => ({
      kind,
      calls: latencies.count,
      per_s: Math.round((latencies.count / seconds) * 10) / 10,
      p50_ms: Math.round(latencies.quantile(0.5) * 100) / 100,
      p99_ms: Math.round(latencies.quantile(0.99) * 100) / 100,
    }));
    return rates.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  }
}

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(10))).join('');

/** A table for people. */
export function describeRates(rates: readonly KindRate[]): string[] {
  return [
    row(['call', 'calls', 'per s', 'p50 ms', 'p99 ms']),
    ...rates.map(({ kind, calls, per_s, p50_ms, p99_ms }) =>
      row([kind, String(calls), per_s.toFixed(0), p50_ms.toFixed(2), p99_ms.toFixed(2)]),
    ),
  ];
}
