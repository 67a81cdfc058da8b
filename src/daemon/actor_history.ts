import type { ActorAddress, EffectRecord, EventRecord } from '../core/records.js';
import type { HistoryFilter } from '../core/report.js';
import type { Storage } from '../storage/storage.js';

/** Events that one answer tells at most, and unless another number is asked for. */
export const events_told_max = 1_000;

export interface ActorHistory {
  /** Oldest first. */
  readonly events: readonly EventRecord[];
  /** Those that ran while these events happened. */
  readonly effects: readonly EffectRecord[];
  /** Events that fit the filter and are not told. */
  readonly omitted: number;
}

/** What happened to an actor, as much of it as the filter asks for; never more than a thousand events. */
export function actorHistory(
  { history }: Pick<Storage, 'history'>,
  address: ActorAddress,
  { after_seq, changes, limit = events_told_max }: HistoryFilter,
): ActorHistory {
  const range = { after_seq, changes, limit: Math.min(limit, events_told_max) };
  const events = history.events(address, range);
  const [first] = events;
  return {
    events,
    effects: first === undefined ? [] : history.effectsSince(address, first.seq, first.at_ms),
    omitted: history.countEvents(address, range) - events.length,
  };
}
