import type { Clock } from '../../core/clock.js';
import { IcbdError } from '../../core/errors.js';
import type { RemovedNameReport } from '../../core/name_report.js';
import type { NameRegistry } from './name_registry.js';

export interface AutoCleanOptions {
  readonly registry: Pick<NameRegistry, 'clean'>;
  readonly clock: Clock;
  readonly interval_s: number;
  readonly onRemoved: (removed: RemovedNameReport) => void;
  /** One round failed; the next is tried all the same. */
  readonly onFailed: (error: IcbdError) => void;
}

/**
 * Looks again and again for registrations that nobody stands behind any more, and removes them; the first time after
 * one interval.
 * @returns what ends it
 */
export function startAutoClean(options: AutoCleanOptions): () => void {
  const { registry, clock, interval_s, onRemoved, onFailed } = options;
  let cancel: () => void;
  const clean = (): void => {
    try {
      for (const removed of registry.clean()) onRemoved(removed);
    } catch (error) {
      onFailed(IcbdError.from(error, 'auto-clean of names'));
    }
  };
  const wait = (): void => {
    cancel = clock.after(interval_s * 1_000, () => {
      wait();
      clean();
    });
  };
  wait();
  return () => cancel();
}
