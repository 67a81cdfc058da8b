/** Metrics whose values are looked up when somebody asks. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** A value with its labels, in the order in which their names were given. */
export type Sample = readonly [value: number, ...labels: string[]];

export interface MetricOptions {
  readonly registry: Registry;
  /** Without the prefix of all metrics of icbdrep. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export const metric_prefix = 'icbdrep_';

/** A value that goes up and down. @param read only what it gives is told; what it gave before is forgotten */
export function gauge(
  { registry, name, help, labels = [] }: MetricOptions,
  read: () => readonly Sample[],
): void {
  const metric = new Gauge({
    name: metric_prefix + name,
    help,
    labelNames: labels,
    registers: [],
    collect: () => {
      metric.reset();
      for (const [value, ...texts] of read()) metric.set(labelled(labels, texts), value);
    },
  });
  registry.registerMetric(metric);
}

/** A total that somebody else counts. */
export function total(
  { registry, name, help, labels = [] }: MetricOptions,
  read: () => readonly Sample[],
): void {
  const metric = new Counter({
    name: metric_prefix + name,
    help,
    labelNames: labels,
    registers: [],
    collect: () => {
      metric.reset();
      for (const [value, ...texts] of read()) metric.inc(labelled(labels, texts), value);
    },
  });
  registry.registerMetric(metric);
}

function labelled(labels: readonly string[], texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, index) => [label, texts[index] ?? '']));
}

/** Sums that grow, for each of a set of keys that is known before or small. */
export class Totals {
  readonly #sums: Map<string, number>;

  /** @param keys those that are told from the beginning on, with 0 */
  constructor(keys: readonly string[] = []) {
    this.#sums = new Map(keys.map((key) => [key, 0]));
  }

  add(key: string, amount = 1): void {
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + amount);
  }

  samples(): Sample[] {
    return [...this.#sums].map(([key, sum]) => [sum, key]);
  }
}
