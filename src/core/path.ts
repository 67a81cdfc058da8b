/** The way that an actor took through its machine, from what its events say. */
import type { DiagramReport, PathStep } from './machine_report.js';
import type { EventRecord } from './records.js';

/** Events of one type that led from one state to another, as they are written down. */
export interface TakenStep {
  /** Empty if they made the actor. */
  readonly state_before: string;
  readonly state: string;
  /** Type of the event. */
  readonly event: string;
  readonly count: number;
  /** Of the newest. */
  readonly seq: number;
}

/** `xstate.after.backoff.transfer.resting` is `after backoff` to a reader; all others are called by their type. */
export function eventName(type: string): string {
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  return delay === undefined ? type : `after ${delay}`;
}

/** Of events that did something; in the order of the history. */
export function takenSteps(events: readonly EventRecord[]): TakenStep[] {
  return events
    .filter(({ handled }) => handled)
    .map(({ state_before, state, event, seq }) => ({
      state_before,
      state,
      event: event.type,
      count: 1,
      seq,
    }));
}

/**
 * Adds up what was taken, given in the order of the first time. A way that begins nowhere, as when the actor was made, counts for its state alone; one that
 * stays where it is counts as a step, but not as another visit.
 */
export function pathOf(steps: readonly TakenStep[]): Pick<DiagramReport, 'visits' | 'path'> {
  const visits: Record<string, number> = {};
  const path = new Map<string, PathStep>();
  for (const { state_before: from, state: to, event: type, count, seq } of steps) {
    if (from !== to) visits[to] = (visits[to] ?? 0) + count;
    if (from === '') continue;
    const event = eventName(type);
    const key = JSON.stringify([from, to, event]);
    const known = path.get(key);
    const times = (known?.count ?? 0) + count;
    path.set(key, { from, to, event, count: times, seq: Math.max(known?.seq ?? 0, seq) });
  }
  return { visits, path: [...path.values()].toSorted((one, other) => one.seq - other.seq) };
}
