import type { Database } from 'better-sqlite3';
import type { TakenStep } from '../core/path.js';
import type { ActorAddress } from '../core/records.js';

/** The rows of `events`, added up: which events led an actor from where to where. */
export class PathRows {
  readonly #steps;

  constructor(database: Database) {
    this.#steps = database.prepare<[string, string], TakenStep>(`
      SELECT state_before, state, event ->> '$.type' AS event, count(*) AS count, max(seq) AS seq
      FROM events WHERE kind = ? AND id = ? AND handled = 1
      GROUP BY state_before, state, event ->> '$.type' ORDER BY min(seq)`);
  }

  /** Of the actor's events that did something; those that happened first come first. */
  steps({ kind, id }: ActorAddress): TakenStep[] {
    return this.#steps.all(kind, id);
  }
}
