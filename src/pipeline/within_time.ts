import type { Clock } from '../core/clock.js';

/** What the promise gives; undefined if that takes longer. The promise goes on. */
export function withinTime<T>(promise: Promise<T>, wait_ms: number, clock: Clock): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(wait_ms, () => resolve(undefined));
    void promise.then(resolve, reject).finally(cancel);
  });
}
