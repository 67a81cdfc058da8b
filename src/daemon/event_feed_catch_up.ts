import type { ActorAddress, EventRecord } from '../core/records.js';
import { type FeedReader, message } from './event_feed_reader.js';

/** Most events that are told to one who missed them; with more, reading all anew is quicker. */
const missed_max = 10_000;
/** Events that are read from the database at once. */
const page_size = 250;

export interface PastEvents {
  readonly lastEventId: () => number;
  readonly eventsAfter: (event_id: number, limit: number) => EventRecord[];
}

/**
 * Tells a reader what it has missed, at the pace at which it reads, and then lets it go live.
 * @param begin makes it live; called in the turn in which nothing is missing, or when too much is
 * @returns the actors that it has been told something of
 */
export async function catchUp(
  past: PastEvents,
  reader: FeedReader,
  after: number,
  begin: () => void,
): Promise<ActorAddress[]> {
  const changed = new Map<string, ActorAddress>();
  const last_id = past.lastEventId();
  reader.cursor = after;
  let is_whole = after <= last_id && last_id - after <= missed_max;
  while (is_whole && reader.is_open) {
    const events = past.eventsAfter(reader.cursor, page_size);
    // Ids have no holes but where old events were taken away.
    is_whole = (events.at(-1)?.event_id ?? reader.cursor) - reader.cursor === events.length;
    if (!is_whole) break;
    tell(reader, events, changed);
    if (events.length < page_size) {
      begin();
      return [...changed.values()];
    }
    await reader.output.drained();
  }
  if (!reader.is_open) return [];
  const to = past.lastEventId();
  reader.write(message('gap', { from: after <= to ? reader.cursor + 1 : 1, to }));
  begin();
  return [];
}

function tell(reader: FeedReader, events: readonly EventRecord[], changed: Map<string, ActorAddress>): void {
  let text = '';
  for (const event of events) {
    const key = `${event.kind}/${event.id}`;
    reader.cursor = event.event_id;
    if (!reader.wantsActor(key)) continue;
    changed.set(key, { kind: event.kind, id: event.id });
    if (reader.wants('event')) text += message('event', event, event.event_id);
  }
  if (text !== '') reader.write(text);
}
