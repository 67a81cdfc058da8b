/** The work that an actor started, as spans from the event that began it to the event that ended it. */
import type { EffectRecord, EventRecord } from '../../core/records.js';
import { formatDuration } from './units.js';
import type { Style } from './view.js';

export interface Span {
  readonly effect: EffectRecord;
  /** The event that ended it; null: none of those that are known. */
  readonly end: EventRecord | null;
  /** Spans that overlap are drawn beside each other, from 0 on. */
  readonly lane: number;
}

function stops(record: EventRecord, effect_id: string): boolean {
  return record.intents.some((intent) => intent.type === 'stop' && intent.effects.includes(effect_id));
}

function endOf(effect: EffectRecord, events: readonly EventRecord[]): EventRecord | undefined {
  const { id, status, seq, epoch, ended_at_ms } = effect;
  const later = events.filter((record) => record.seq >= seq);
  const byTime = (): EventRecord | undefined =>
    later.find((record) => record.seq > seq && ended_at_ms !== null && record.at_ms >= ended_at_ms);
  switch (status) {
    case 'done':
    case 'failed':
      // What it told while it ran has the same cause: its end is the last of them.
      return later.findLast(({ cause }) => cause.kind === 'effect' && cause.effect === id) ?? byTime();
    case 'stopped':
      return later.find((record) => stops(record, id)) ?? byTime();
    case 'lost':
      return later.find((record) => record.epoch > epoch) ?? byTime();
    case 'running':
    default:
      return undefined;
  }
}

/** @param events in order, without gaps */
export function toSpans(events: readonly EventRecord[], effects: readonly EffectRecord[]): Span[] {
  const spans: Span[] = [];
  for (const effect of effects) {
    const end = endOf(effect, events) ?? null;
    const taken = new Set(
      spans.filter((span) => span.end === null || span.end.seq > effect.seq).map((span) => span.lane),
    );
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    spans.push({ effect, end, lane });
  }
  return spans;
}

/** What stands in front of an event: a line for each span that runs while it happens. */
export function gutterAt(spans: readonly Span[], seq: number, lanes: number): string {
  let text = '';
  for (let lane = 0; lane < lanes; lane += 1) {
    const span = spans.find(
      (one) => one.lane === lane && one.effect.seq < seq && (one.end === null || one.end.seq >= seq),
    );
    if (span === undefined) text += '  ';
    else text += span.end?.seq === seq ? '└ ' : '│ ';
  }
  return text;
}

/** The same behind an event, in front of what is told of it below; `begins` draws the beginning of one span. */
export function gutterBehind(
  spans: readonly Span[],
  seq: number,
  lanes: number,
  begins: Span | null = null,
): string {
  let text = '';
  for (let lane = 0; lane < lanes; lane += 1) {
    if (begins?.lane === lane) {
      text += '┌ ';
      continue;
    }
    const runs = spans.some(
      (one) => one.lane === lane && one.effect.seq < seq && (one.end === null || one.end.seq > seq),
    );
    text += runs ? '│ ' : '  ';
  }
  return text;
}

/** For example `plan 0.2 s ok`, `send 12.4 s failed: the link was lost [LinkLost]`, `receive runs since 4 s`. */
export function describeSpan(
  { effect, end }: Span,
  now_ms: number,
): { readonly text: string; readonly style: Style } {
  const { kind, status, started_at_ms, ended_at_ms, error } = effect;
  const until_ms = ended_at_ms ?? now_ms;
  const took = `${kind} ${formatDuration(until_ms - started_at_ms)}`;
  switch (status) {
    case 'running':
      return { text: `${took} and still runs`, style: 'cyan' };
    case 'done': {
      // It may have come back with other news than that it is done.
      const news =
        end?.event.type.startsWith(`${kind}.`) === true ? end.event.type.slice(kind.length + 1) : '';
      if (news === '' || news === 'done') return { text: `${took} ok`, style: 'green' };
      return { text: `${took} ended: ${news.replaceAll('_', ' ')}`, style: 'yellow' };
    }
    case 'stopped':
      return { text: `${took} stopped: no longer wanted`, style: 'dim' };
    case 'lost':
      return { text: `${kind} lost: the daemon ended while it ran`, style: 'yellow' };
    case 'failed': {
      const why = error === null ? '' : `: ${error.message} [${error.code}]`;
      return { text: `${took} failed${why}`, style: 'red' };
    }
    default:
      return { text: `${took} ${String(status)}`, style: 'dim' };
  }
}
