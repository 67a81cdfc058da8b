/** The chart of an actor as it was after one of its events, and as it is after those that came since it was loaded. */
import type { DiagramReport } from '../../core/machine_report.js';
import { type TakenStep, eventName, pathOf, takenSteps } from '../../core/path.js';
import type { EventRecord } from '../../core/records.js';

const keyOf = (from: string, to: string, event: string): string => JSON.stringify([from, to, event]);

/** The newest event that a loaded chart counts. */
function countedUntil({ path, visits }: DiagramReport): number {
  const made_at = Object.keys(visits).length > 0 ? 1 : 0;
  return Math.max(made_at, ...path.map(({ seq }) => seq));
}

/** What the chart counts of events that are not among `events`: they came before the first of these. */
export function stepsBefore(diagram: DiagramReport, events: readonly EventRecord[]): TakenStep[] {
  const until = countedUntil(diagram);
  const told = pathOf(takenSteps(events.filter(({ seq }) => seq <= until)));
  const counts = new Map(told.path.map(({ from, to, event, count }) => [keyOf(from, to, event), count]));
  const ways = diagram.path.flatMap(({ from, to, event, count, seq }): TakenStep[] => {
    const rest = count - (counts.get(keyOf(from, to, event)) ?? 0);
    return rest > 0 ? [{ state_before: from, state: to, event, count: rest, seq }] : [];
  });
  const { visits: explained } = pathOf(ways);
  const arrivals = Object.entries(diagram.visits).flatMap(([state, count]): TakenStep[] => {
    const rest = count - (told.visits[state] ?? 0) - (explained[state] ?? 0);
    return rest > 0 ? [{ state_before: '', state, event: 'created', count: rest, seq: 1 }] : [];
  });
  return [...arrivals, ...ways];
}

/** The way by which the last event led into the state, for what is lit. */
export interface LastWay {
  readonly from: string;
  readonly to: string;
  readonly event: string;
}

export interface ChartAt {
  readonly diagram: DiagramReport;
  /** Null: the event did nothing, or made the actor. */
  readonly last_way: LastWay | null;
}

/**
 * @param before what `stepsBefore` found
 * @param at_seq the event after which it is shown; null: the last
 */
export function chartAt(
  diagram: DiagramReport,
  before: readonly TakenStep[],
  events: readonly EventRecord[],
  at_seq: number | null,
): ChartAt {
  const until = at_seq === null ? events : events.filter(({ seq }) => seq <= at_seq);
  const last = until.at(-1);
  const { visits, path } = pathOf([...before, ...takenSteps(until)]);
  const state = last?.state ?? diagram.state;
  const has_way = last !== undefined && last.handled && last.state_before !== '';
  return {
    diagram: {
      ...diagram,
      state,
      visits,
      path,
      parked_reason: at_seq === null ? diagram.parked_reason : '',
    },
    last_way: has_way ? { from: last.state_before, to: last.state, event: eventName(last.event.type) } : null,
  };
}
