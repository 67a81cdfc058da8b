import type { Database } from 'better-sqlite3';
import type { ActorAddress, ActorKind, EventRecord } from '../core/records.js';

/** What takes rows away that nobody will ask for: actors that have ended long ago, and the old events of others. */
export class PruningRows {
  readonly #ended;
  readonly #compactable;
  readonly #last_before;
  readonly #replace;
  readonly #deletions;
  readonly #old_events;
  readonly #old_effects;

  constructor(database: Database) {
    this.#ended = database.prepare<[string, number, number], ActorAddress>(`
      SELECT kind, id FROM actors WHERE kind = ? AND settled = 1 AND status = 'running'
        AND state IN ('completed', 'cancelled') AND updated_at_ms < ? ORDER BY updated_at_ms LIMIT ?`);
    this.#compactable = database.prepare<[string, number, number, number], ActorAddress>(`
      SELECT kind, id FROM actors WHERE kind = ? AND status = 'running'
        AND (SELECT count(*) FROM (SELECT 1 FROM events WHERE events.kind = actors.kind AND events.id = actors.id
          AND at_ms < ? LIMIT ?)) = ? ORDER BY id`);
    this.#last_before = database
      .prepare<[string, string, number], number | null>(
        'SELECT max(seq) FROM events WHERE kind = ? AND id = ? AND at_ms < ?',
      )
      .pluck();
    this.#replace = database.prepare<[string, string, string, string, number]>(`
      UPDATE events SET event = ?, cause = ?, handled = 1, ignored_reason = '', guards = '[]', intents = '[]'
        WHERE kind = ? AND id = ? AND seq = ?`);
    this.#deletions = ['events', 'effects', 'timers', 'progress', 'actors'].map((table) =>
      database.prepare<[string, string]>(`DELETE FROM ${table} WHERE kind = ? AND id = ?`),
    );
    this.#old_events = database.prepare<[string, string, number]>(
      'DELETE FROM events WHERE kind = ? AND id = ? AND seq < ?',
    );
    this.#old_effects = database.prepare<[string, string, number]>(
      "DELETE FROM effects WHERE kind = ? AND id = ? AND seq < ? AND status <> 'running'",
    );
  }

  /** Actors that are completed or cancelled and were not touched since `before_ms`, the oldest first. */
  ended(kind: ActorKind, before_ms: number, limit: number): ActorAddress[] {
    return this.#ended.all(kind, before_ms, limit);
  }

  /** Takes an actor away, with all that belongs to it. */
  delete({ kind, id }: ActorAddress): void {
    for (const deletion of this.#deletions) deletion.run(kind, id);
  }

  /** Actors that have at least `count` events from before `before_ms`; none of them parked. */
  withOldEvents(kind: ActorKind, before_ms: number, count: number): ActorAddress[] {
    return this.#compactable.all(kind, before_ms, count, count);
  }

  /** Sequence number of the last event from before `before_ms`; null if there is none. */
  lastBefore({ kind, id }: ActorAddress, before_ms: number): number | null {
    return this.#last_before.get(kind, id, before_ms) ?? null;
  }

  /** Puts another event in the place of the one of this number, which keeps its id, time and state. */
  replace(
    { kind, id }: ActorAddress,
    seq: number,
    { event, cause }: Pick<EventRecord, 'event' | 'cause'>,
  ): void {
    this.#replace.run(JSON.stringify(event), JSON.stringify(cause), kind, id, seq);
  }

  /** Takes the events before this number away, and the effects that they started, if these have ended. */
  deleteBefore({ kind, id }: ActorAddress, seq: number): number {
    this.#old_effects.run(kind, id, seq);
    return this.#old_events.run(kind, id, seq).changes;
  }
}
