import type { Database } from 'better-sqlite3';
import type { ErrorReport } from '../core/errors.js';
import type {
  ActorAddress,
  ActorKind,
  EffectRecord,
  EffectStatus,
  EventCause,
  EventRecord,
  PlainEvent,
} from '../core/records.js';

interface EventRow extends Omit<EventRecord, 'event' | 'cause' | 'guards' | 'intents' | 'handled'> {
  event: string;
  cause: string;
  guards: string;
  intents: string;
  handled: number;
}

interface EffectRow {
  effect_id: string;
  kind: ActorKind;
  id: string;
  seq: number;
  effect: string;
  params: string;
  status: EffectStatus;
  epoch: number;
  started_at_ms: number;
  ended_at_ms: number | null;
  error: string | null;
}

function eventFromRow(row: EventRow): EventRecord {
  return {
    ...row,
    event: JSON.parse(row.event) as PlainEvent,
    cause: JSON.parse(row.cause) as EventCause,
    guards: JSON.parse(row.guards) as EventRecord['guards'],
    intents: JSON.parse(row.intents) as EventRecord['intents'],
    handled: row.handled === 1,
  };
}

function effectFromRow(row: EffectRow): EffectRecord {
  const { effect_id, kind, id, effect, ...rest } = row;
  return {
    ...rest,
    id: effect_id,
    actor: { kind, id },
    kind: effect,
    params: JSON.parse(row.params) as unknown,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorReport),
  };
}

/** Which events of an actor are wanted. */
export interface EventRange {
  /** Only those behind this sequence number. */
  readonly after_seq?: number | undefined;
  /** Only those that led to another state, or to a new beginning of the same one. */
  readonly changes?: boolean | undefined;
  readonly limit?: number | undefined;
}

/** A second link makes a replica begin its state anew. */
const change = `handled = 1 AND (state_before <> state OR event ->> 'type' = 'link.up')`;

/** Parameters of the statements for events: kind, id, the sequence number that they are behind, and the limit. */
type RangeValues = [string, string, number, number];

/** Of one actor, behind a sequence number. */
function selectEvents(columns: string, condition: string): string {
  return `SELECT ${columns} FROM events WHERE kind = ? AND id = ? AND seq > ? AND ${condition}`;
}

/** The rows of `events` and `effects`: what happened, in order, never changed but for an effect's end. */
export class HistoryRows {
  readonly #append;
  readonly #events;
  readonly #changes;
  readonly #newest_events;
  readonly #newest_changes;
  readonly #count_events;
  readonly #count_changes;
  readonly #attempt_began;
  readonly #events_after;
  readonly #last_event_id;
  readonly #insert_effect;
  readonly #end_effect;
  readonly #effect;
  readonly #effects;
  readonly #effects_since;
  readonly #stop;
  readonly #lose;

  constructor(database: Database) {
    this.#append = database.prepare<[Omit<EventRow, 'event_id'>]>(`
      INSERT INTO events VALUES (NULL, @kind, @id, @seq, @at_ms, @epoch, @machine_version, @event, @cause,
        @state_before, @state, @attempt, @handled, @ignored_reason, @guards, @intents, @digest)`);
    const events = (condition: string, direction: 'ASC' | 'DESC') =>
      database.prepare<RangeValues, EventRow>(
        `${selectEvents('*', condition)} ORDER BY seq ${direction} LIMIT ?`,
      );
    const count = (condition: string) =>
      database.prepare<[string, string, number], number>(selectEvents('count(*)', condition)).pluck();
    this.#events = events('true', 'ASC');
    this.#changes = events(change, 'ASC');
    this.#newest_events = events('true', 'DESC');
    this.#newest_changes = events(change, 'DESC');
    this.#count_events = count('true');
    this.#count_changes = count(change);
    this.#attempt_began = database
      .prepare<[string, string, number], number>(
        'SELECT at_ms FROM events WHERE kind = ? AND id = ? AND attempt = ? ORDER BY seq LIMIT 1',
      )
      .pluck();
    this.#events_after = database.prepare<[number, number], EventRow>(
      'SELECT * FROM events WHERE event_id > ? ORDER BY event_id LIMIT ?',
    );
    this.#last_event_id = database.prepare<[], number | null>('SELECT max(event_id) FROM events').pluck();
    this.#insert_effect = database.prepare<[EffectRow]>(`
      INSERT INTO effects VALUES (@effect_id, @kind, @id, @seq, @effect, @params, @status, @epoch,
        @started_at_ms, @ended_at_ms, @error)`);
    this.#end_effect = database.prepare<[string, number, string | null, string]>(
      "UPDATE effects SET status = ?, ended_at_ms = ?, error = ? WHERE effect_id = ? AND status = 'running'",
    );
    this.#effect = database.prepare<[string], EffectRow>('SELECT * FROM effects WHERE effect_id = ?');
    this.#effects = database.prepare<[string, string], EffectRow>(
      'SELECT * FROM effects WHERE kind = ? AND id = ? ORDER BY seq, effect_id',
    );
    this.#effects_since = database.prepare<[string, string, number, number], EffectRow>(`
      SELECT * FROM effects WHERE kind = ? AND id = ?
        AND (seq >= ? OR ended_at_ms IS NULL OR ended_at_ms >= ?) ORDER BY seq, effect_id`);
    this.#stop = database.prepare<[number, string, string, string], { effect_id: string }>(`
      UPDATE effects SET status = 'stopped', ended_at_ms = ?
      WHERE kind = ? AND id = ? AND effect = ? AND status = 'running' RETURNING effect_id`);
    this.#lose = database.prepare<[number, number]>(
      "UPDATE effects SET status = 'lost', ended_at_ms = ? WHERE status = 'running' AND epoch < ?",
    );
  }

  append(record: Omit<EventRecord, 'event_id'>): EventRecord {
    const { lastInsertRowid } = this.#append.run({
      ...record,
      event: JSON.stringify(record.event),
      cause: JSON.stringify(record.cause),
      guards: JSON.stringify(record.guards),
      intents: JSON.stringify(record.intents),
      handled: record.handled ? 1 : 0,
    });
    return { ...record, event_id: Number(lastInsertRowid) };
  }

  /**
   * Events of an actor, oldest first: all, or those behind `after_seq`, or the newest `limit`.
   * With both, the first `limit` behind `after_seq`.
   */
  events({ kind, id }: ActorAddress, { after_seq, changes, limit }: EventRange = {}): EventRecord[] {
    if (after_seq === undefined && limit !== undefined) {
      const newest = changes === true ? this.#newest_changes : this.#newest_events;
      return newest.all(kind, id, -1, limit).toReversed().map(eventFromRow);
    }
    const wanted = changes === true ? this.#changes : this.#events;
    return wanted.all(kind, id, after_seq ?? -1, limit ?? -1).map(eventFromRow);
  }

  /** How many events of an actor there are, whatever the limit. */
  countEvents({ kind, id }: ActorAddress, { after_seq, changes }: EventRange = {}): number {
    const wanted = changes === true ? this.#count_changes : this.#count_events;
    return wanted.get(kind, id, after_seq ?? -1) ?? 0;
  }

  /** When an attempt of an actor began, unix ms; undefined if no event of it is known. */
  attemptBegan({ kind, id }: ActorAddress, attempt: number): number | undefined {
    return this.#attempt_began.get(kind, id, attempt);
  }

  /** Events of all actors that came after the one of this id, oldest first, at most `limit`. */
  eventsAfter(event_id: number, limit: number): EventRecord[] {
    return this.#events_after.all(event_id, limit).map(eventFromRow);
  }

  /** Id of the newest event of all; 0 if there is none. */
  lastEventId(): number {
    return this.#last_event_id.get() ?? 0;
  }

  insertEffect(effect: EffectRecord): void {
    this.#insert_effect.run({
      effect_id: effect.id,
      kind: effect.actor.kind,
      id: effect.actor.id,
      seq: effect.seq,
      effect: effect.kind,
      params: JSON.stringify(effect.params),
      status: effect.status,
      epoch: effect.epoch,
      started_at_ms: effect.started_at_ms,
      ended_at_ms: effect.ended_at_ms,
      error: effect.error === null ? null : JSON.stringify(effect.error),
    });
  }

  effect(effect_id: string): EffectRecord | undefined {
    const row = this.#effect.get(effect_id);
    return row === undefined ? undefined : effectFromRow(row);
  }

  /** All effects of an actor, oldest first. */
  effects({ kind, id }: ActorAddress): EffectRecord[] {
    return this.#effects.all(kind, id).map(effectFromRow);
  }

  /** Those that an event of this number or a later one started, and those that ran at this time or later. */
  effectsSince({ kind, id }: ActorAddress, seq: number, at_ms: number): EffectRecord[] {
    return this.#effects_since.all(kind, id, seq, at_ms).map(effectFromRow);
  }

  /** @returns whether it was running */
  endEffect(effect_id: string, status: 'done' | 'failed', at_ms: number, error: ErrorReport | null): boolean {
    return (
      this.#end_effect.run(status, at_ms, error === null ? null : JSON.stringify(error), effect_id).changes >
      0
    );
  }

  /** Marks the running effects of an actor that are of this kind as stopped; returns their ids. */
  stopEffects({ kind, id }: ActorAddress, effect: string, at_ms: number): string[] {
    return this.#stop.all(at_ms, kind, id, effect).map((row) => row.effect_id);
  }

  /** Marks what ran in earlier epochs as lost; returns how many there were. */
  loseEffects(epoch: number, at_ms: number): number {
    return this.#lose.run(at_ms, epoch).changes;
  }
}
