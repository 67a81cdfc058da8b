import type { Database } from 'better-sqlite3';
import type { ActorAddress, ActorKind, OutgoingMessage, PlainEvent, TimerRecord } from '../core/records.js';

/** Key in `meta` of the floor under which all messages of a sender were seen. */
const forgottenKey = (instance: string): string => `inbox_floor/${instance}`;

interface OutboxRow {
  message_id: number;
  peer: string;
  to_kind: ActorKind;
  to_id: string;
  input: string;
  event: string;
}

function fromRow(row: OutboxRow): OutgoingMessage {
  return {
    id: row.message_id,
    peer: row.peer,
    to: { kind: row.to_kind, id: row.to_id },
    create: JSON.parse(row.input) as unknown,
    event: JSON.parse(row.event) as PlainEvent,
  };
}

/** The rows of `outbox` and `inbox`: durable messages between nodes, each acted on once. */
export class MessageRows {
  readonly #put;
  readonly #count;
  readonly #waiting;
  readonly #acknowledge;
  readonly #floor;
  readonly #see;
  readonly #forget;
  readonly #set_forgotten;
  readonly #is_forgotten;

  constructor(database: Database) {
    this.#put = database.prepare<[string, string, string, string, string, number]>(
      'INSERT INTO outbox (peer, to_kind, to_id, input, event, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#count = database.prepare<[], number>('SELECT count(*) FROM outbox').pluck();
    this.#waiting = database.prepare<[string], OutboxRow>(
      'SELECT * FROM outbox WHERE peer = ? ORDER BY message_id',
    );
    this.#acknowledge = database.prepare<[string, number]>(
      'DELETE FROM outbox WHERE peer = ? AND message_id = ?',
    );
    this.#floor = database
      .prepare<[string], number | null>('SELECT min(message_id) FROM outbox WHERE peer = ?')
      .pluck();
    this.#see = database.prepare<[string, number]>(
      'INSERT INTO inbox (instance, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forget = database.prepare<[string, number]>(
      'DELETE FROM inbox WHERE instance = ? AND message_id < ?',
    );
    this.#set_forgotten = database.prepare<[string, string]>(`
      INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value
      WHERE CAST(excluded.value AS INTEGER) > CAST(meta.value AS INTEGER)`);
    this.#is_forgotten = database
      .prepare<[string, number], number>('SELECT 1 FROM meta WHERE key = ? AND ? < CAST(value AS INTEGER)')
      .pluck();
  }

  /** @returns the message with the id it got */
  put(message: Omit<OutgoingMessage, 'id'>, at_ms: number): OutgoingMessage {
    const { peer, to, create, event } = message;
    const { lastInsertRowid } = this.#put.run(
      peer,
      to.kind,
      to.id,
      JSON.stringify(create ?? null),
      JSON.stringify(event),
      at_ms,
    );
    return { id: Number(lastInsertRowid), peer, to, create: create ?? null, event };
  }

  /** Messages that their peers have not acknowledged yet. */
  count(): number {
    return this.#count.get() ?? 0;
  }

  /** What a peer has not acknowledged yet, oldest first. */
  waiting(peer: string): OutgoingMessage[] {
    return this.#waiting.all(peer).map(fromRow);
  }

  acknowledge(peer: string, message_id: number): void {
    this.#acknowledge.run(peer, message_id);
  }

  /** The oldest id that a peer has not acknowledged; undefined if there is none. */
  floor(peer: string): number | undefined {
    return this.#floor.get(peer) ?? undefined;
  }

  /** Notes a message of a peer as seen; false if it was seen before, forgotten ones included. */
  see(instance: string, message_id: number): boolean {
    if (this.#is_forgotten.get(forgottenKey(instance), message_id) !== undefined) return false;
    return this.#see.run(instance, message_id).changes > 0;
  }

  /**
   * Gives up the rows of messages below `floor`: their sender has our acknowledgement. The floor itself stays, for
   * a copy that was still on its way may come after it.
   */
  forget(instance: string, floor: number): void {
    this.#set_forgotten.run(forgottenKey(instance), String(floor));
    this.#forget.run(instance, floor);
  }
}

interface TimerRow {
  kind: ActorKind;
  id: string;
  timer: string;
  event: string;
  due_at_ms: number;
}

function timerFromRow(row: TimerRow): TimerRecord {
  return {
    actor: { kind: row.kind, id: row.id },
    id: row.timer,
    event: JSON.parse(row.event) as PlainEvent,
    due_at_ms: row.due_at_ms,
  };
}

/** The rows of `timers`: absolute times at which an actor gets an event. */
export class TimerRows {
  readonly #set;
  readonly #cancel;
  readonly #take;
  readonly #due;
  readonly #next;
  readonly #of_actor;
  readonly #count;

  constructor(database: Database) {
    this.#set = database.prepare<[TimerRow]>(`
      INSERT INTO timers VALUES (@kind, @id, @timer, @event, @due_at_ms)
      ON CONFLICT (kind, id, timer) DO UPDATE SET event = excluded.event, due_at_ms = excluded.due_at_ms`);
    this.#cancel = database.prepare<[string, string, string]>(
      'DELETE FROM timers WHERE kind = ? AND id = ? AND timer = ?',
    );
    this.#take = database.prepare<[string, string, string, number]>(
      'DELETE FROM timers WHERE kind = ? AND id = ? AND timer = ? AND due_at_ms = ?',
    );
    this.#due = database.prepare<[number], TimerRow>(
      'SELECT * FROM timers WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT 100',
    );
    this.#next = database.prepare<[], number | null>('SELECT min(due_at_ms) FROM timers').pluck();
    this.#count = database.prepare<[], number>('SELECT count(*) FROM timers').pluck();
    this.#of_actor = database.prepare<[string, string], TimerRow>(
      'SELECT * FROM timers WHERE kind = ? AND id = ? ORDER BY due_at_ms',
    );
  }

  set(timer: TimerRecord): void {
    this.#set.run({
      kind: timer.actor.kind,
      id: timer.actor.id,
      timer: timer.id,
      event: JSON.stringify(timer.event),
      due_at_ms: timer.due_at_ms,
    });
  }

  /** @returns whether there was one */
  cancel({ kind, id }: ActorAddress, timer: string): boolean {
    return this.#cancel.run(kind, id, timer).changes > 0;
  }

  /** Takes it away for good; false if it is not there any more, or was set anew. */
  take({ actor, id, due_at_ms }: TimerRecord): boolean {
    return this.#take.run(actor.kind, actor.id, id, due_at_ms).changes > 0;
  }

  /** At most 100 that are due, the earliest first. */
  due(now_ms: number): TimerRecord[] {
    return this.#due.all(now_ms).map(timerFromRow);
  }

  count(): number {
    return this.#count.get() ?? 0;
  }

  /** When the next one is due, unix ms. */
  next(): number | undefined {
    return this.#next.get() ?? undefined;
  }

  ofActor({ kind, id }: ActorAddress): TimerRecord[] {
    return this.#of_actor.all(kind, id).map(timerFromRow);
  }
}
