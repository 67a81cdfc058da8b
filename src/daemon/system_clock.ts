import type { Clock } from '../core/clock.js';

/** The machine's clock and timers. */
export const system_clock: Clock = {
  now: () => Date.now(),
  after: (delay_ms, work) => {
    const timer = setTimeout(work, delay_ms);
    return () => clearTimeout(timer);
  },
};
