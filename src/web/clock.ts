/** The time as the master sees it: ages must not be wrong because the clock of somebody's laptop is. */
import { computed, signal } from '@preact/signals';

/** By how much the master's clock is ahead of this one, ms. */
let ahead_ms = 0;
/** Dates of answers are whole seconds, and answers take a while: a difference below says nothing. */
const difference_ms_min = 5_000;

/** Now on the master, unix ms. */
export function readClock(): number {
  return Date.now() + ahead_ms;
}

/** Now on the master, unix ms; grows once a second while the clock runs. */
export const now_ms = signal(Date.now());

/** As `now_ms`, but it moves every 5 s: for what there are thousands of. */
export const slow_now_ms = computed(() => Math.floor(now_ms.value / 5_000) * 5_000);

/** @param date what an answer of the master has in its header `Date` */
export function learnMasterTime(date: string | null): void {
  const at_ms = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(at_ms)) return;
  const difference_ms = at_ms - Date.now();
  const before_ms = ahead_ms;
  ahead_ms = Math.abs(difference_ms) < difference_ms_min ? 0 : difference_ms;
  if (Math.abs(ahead_ms - before_ms) > difference_ms_min) now_ms.value = readClock();
}

/** Makes `now_ms` grow. @returns what stops it */
export function startClock(): () => void {
  const timer = setInterval(() => {
    now_ms.value = readClock();
  }, 1_000);
  return () => clearInterval(timer);
}
