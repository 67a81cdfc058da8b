/** Times that a replica was online, suspect or offline, from the events of its machine. */
import type { EventRecord } from '../../core/records.js';

export interface Period {
  /** A state of the replica; empty: it is not known, or there was no such replica. */
  readonly state: string;
  readonly begin_ms: number;
  readonly end_ms: number;
  /** Why it came into that state; empty: nothing is known, or nothing was wrong. */
  readonly reason: string;
}

type Change = Pick<EventRecord, 'at_ms' | 'state' | 'state_before' | 'event' | 'handled'>;

const reasonOf = ({ event }: Change): string => {
  if (typeof event['reason'] === 'string') return event['reason'];
  return event.type === 'restarted' ? 'the master was restarted' : '';
};

/**
 * What lies between two moments, without gaps, oldest first.
 * @param events oldest first; those between which the state stayed may be missing
 * @param from_ms unix ms
 * @param to_ms unix ms; the state of the last event lasts until then
 */
export function periodsOf(events: readonly Change[], from_ms: number, to_ms: number): Period[] {
  const periods: Period[] = [];
  const add = (state: string, begin_ms: number, end_ms: number, reason: string): void => {
    const [begin, end] = [Math.max(begin_ms, from_ms), Math.min(end_ms, to_ms)];
    if (end <= begin) return;
    const last = periods.at(-1);
    if (last?.state === state) periods.splice(-1, 1, { ...last, end_ms: end });
    else periods.push({ state, begin_ms: begin, end_ms: end, reason });
  };
  const told = events.filter(({ handled }) => handled);
  const first = told[0];
  if (first === undefined) return [{ state: '', begin_ms: from_ms, end_ms: to_ms, reason: '' }];
  add(first.state_before, Number.NEGATIVE_INFINITY, first.at_ms, '');
  for (const [index, change] of told.entries()) {
    add(change.state, change.at_ms, told[index + 1]?.at_ms ?? to_ms, reasonOf(change));
  }
  return periods;
}

/** How much of the known time each state took, between 0 and 1. */
export function sharesOf(periods: readonly Period[]): Map<string, number> {
  const known = periods.filter(({ state }) => state !== '');
  const total = known.reduce((sum, { begin_ms, end_ms }) => sum + end_ms - begin_ms, 0);
  const shares = new Map<string, number>();
  for (const { state, begin_ms, end_ms } of known) {
    shares.set(state, (shares.get(state) ?? 0) + (end_ms - begin_ms) / total);
  }
  return shares;
}

/** `99.9 %`; never 100 if anything is missing, never 0 if there is anything. */
export function shareWords(share: number): string {
  if (share <= 0) return '0 %';
  if (share >= 1) return '100 %';
  const percent = Math.min(99.99, Math.max(0.01, share * 100));
  return `${percent >= 99.9 || percent < 0.1 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

/** Full hours, or full days where there are too many of those, for the marks below a strip. */
export function marksOf(from_ms: number, to_ms: number, most: number): number[] {
  const hour_ms = 3_600_000;
  const sizes = [1, 2, 3, 4, 6, 12, 24, 48, 168].map((hours) => hours * hour_ms);
  const size_ms = sizes.find((size) => (to_ms - from_ms) / size <= most) ?? 720 * hour_ms;
  // Whole hours and days of the reader, not of Greenwich.
  const offset_ms = new Date(to_ms).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from_ms - offset_ms) / size_ms) * size_ms + offset_ms;
  const count = Math.max(0, Math.floor((to_ms - first) / size_ms) + 1);
  return Array.from({ length: count }, (_, index) => first + index * size_ms);
}
