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
  readonly limit?: number | undefined;
}

/** The rows of `events` and `effects`: what happened, in order, never changed but for an effect's end. */
export class HistoryRows {
  readonly #append;
  readonly #events;
  readonly #newest_events;
  readonly #count_events;
  readonly #events_after;
  readonly #last_event_id;
  readonly #insert_effect;
  readonly #end_effect;
  readonly #effect;
  readonly #effects;
  readonly #stop;
  readonly #lose;

  constructor(database: Database) {
    this.#append = database.prepare<[Omit<EventRow, 'event_id'>]>(`
      INSERT INTO events VALUES (NULL, @kind, @id, @seq, @at_ms, @epoch, @machine_version, @event, @cause,
        @state_before, @state, @attempt, @handled, @ignored_reason, @guards, @intents, @digest)`);
    this.#events = database.prepare<[string, string, number, number], EventRow>(
      'SELECT * FROM events WHERE kind = ? AND id = ? AND seq > ? ORDER BY seq LIMIT ?',
    );
    this.#newest_events = database.prepare<[string, string, number], EventRow>(
      'SELECT * FROM events WHERE kind = ? AND id = ? ORDER BY seq DESC LIMIT ?',
    );
    this.#count_events = database
      .prepare<[string, string], number>('SELECT count(*) FROM events WHERE kind = ? AND id = ?')
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
  events({ kind, id }: ActorAddress, { after_seq, limit }: EventRange = {}): EventRecord[] {
    const rows =
      after_seq === undefined && limit !== undefined
        ? this.#newest_events.all(kind, id, limit).toReversed()
        : this.#events.all(kind, id, after_seq ?? -1, limit ?? -1);
    return rows.map(eventFromRow);
  }

  countEvents({ kind, id }: ActorAddress): number {
    return this.#count_events.get(kind, id) ?? 0;
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
