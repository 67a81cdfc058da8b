/** The events of a history in sections, each with the work that it began and the work that it is the end of. */
import type { EffectRecord, EventRecord } from '../../core/records.js';

/** Work from its begin to its end. */
export interface Span {
  readonly effect: EffectRecord;
  /** Of lost work until the daemon was there again; null while it runs. */
  readonly duration_ms: number | null;
}

/** Whether an event is the last thing that the work said: both were written down at once. */
export function isEndOf({ cause, at_ms }: EventRecord, { id, status, ended_at_ms }: EffectRecord): boolean {
  const has_said = status === 'done' || status === 'failed';
  return has_said && ended_at_ms === at_ms && cause.kind === 'effect' && cause.effect === id;
}

export interface TimelineEntry {
  readonly record: EventRecord;
  /** Since the event before; null for the first. */
  readonly delta_ms: number | null;
  /** What it began. */
  readonly spans: readonly Span[];
  /** What it is the end of, or a report from. */
  readonly reported: Span | null;
}

/** What belongs to one attempt, or what came before the first. */
export interface TimelineSection {
  /** 0: before the first. */
  readonly attempt: number;
  readonly begun_at_ms: number;
  /** From its first event to its last. */
  readonly duration_ms: number;
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
}

function spansOf(effects: readonly EffectRecord[]): Map<string, Span> {
  return new Map(
    effects.map((effect) => {
      const { id, started_at_ms, ended_at_ms } = effect;
      const duration_ms = ended_at_ms === null ? null : Math.max(0, ended_at_ms - started_at_ms);
      return [id, { effect, duration_ms }];
    }),
  );
}

/**
 * @param events oldest first
 * @param effects those that ran meanwhile
 */
export function timelineOf(
  events: readonly EventRecord[],
  effects: readonly EffectRecord[],
): TimelineSection[] {
  const spans = spansOf(effects);
  const begun = new Map<number, Span[]>();
  for (const span of spans.values()) {
    const { seq } = span.effect;
    begun.set(seq, [...(begun.get(seq) ?? []), span]);
  }
  const entries = events.map((record, index): TimelineEntry => {
    const before = events[index - 1];
    const { cause } = record;
    return {
      record,
      delta_ms: before === undefined ? null : record.at_ms - before.at_ms,
      spans: begun.get(record.seq) ?? [],
      reported: cause.kind === 'effect' ? (spans.get(cause.effect) ?? null) : null,
    };
  });
  return sectionsOf(entries);
}

function sectionsOf(entries: readonly TimelineEntry[]): TimelineSection[] {
  const heaps: TimelineEntry[][] = [];
  let attempt: number | undefined;
  for (const entry of entries) {
    if (entry.record.attempt !== attempt) heaps.push([]);
    heaps.at(-1)?.push(entry);
    attempt = entry.record.attempt;
  }
  return heaps.flatMap((heap) => {
    const [first, last] = [heap[0], heap.at(-1)];
    if (first === undefined || last === undefined) return [];
    const { attempt: number, at_ms } = first.record;
    return [{ attempt: number, begun_at_ms: at_ms, duration_ms: last.record.at_ms - at_ms, entries: heap }];
  });
}

export const timeline_filters = ['all', 'changes', 'problems'] as const;
/** `changes`: of state, or that began work. `problems`: errors, and what was ignored or refused. */
export type TimelineFilter = (typeof timeline_filters)[number];

function isProblem({ record, spans }: TimelineEntry): boolean {
  const is_failure = typeof record.event['error'] === 'object' && record.event['error'] !== null;
  return is_failure || !record.handled || spans.some(({ effect }) => /^(failed|lost)$/.test(effect.status));
}

const isChange = ({ record, spans }: TimelineEntry): boolean =>
  record.state !== record.state_before || spans.length > 0;

/** Sections with nothing left are left out. */
export function filterTimeline(
  sections: readonly TimelineSection[],
  filter: TimelineFilter,
): readonly TimelineSection[] {
  if (filter === 'all') return sections;
  const fits = filter === 'changes' ? isChange : isProblem;
  return sections
    .map((section) => ({ ...section, entries: section.entries.filter(fits) }))
    .filter(({ entries }) => entries.length > 0);
}
