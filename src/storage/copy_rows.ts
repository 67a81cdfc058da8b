import type { Database } from 'better-sqlite3';

/** A transfer, as far as it says what a replica holds. */
export interface CopyTransferRow {
  readonly id: string;
  readonly image: string;
  readonly replica: string;
  readonly number: string;
  readonly status: 'running' | 'parked';
  readonly state: string;
  /** 1: nothing happens any more unless somebody asks. */
  readonly settled: 0 | 1;
  readonly created_at_ms: number;
  /** Identity of the snapshot, from the transfer's plan; null: it has none. */
  readonly identity: string | null;
}

const columns = `id, image, replica, number, status, state, settled, created_at_ms,
  json_extract(snapshot, '$.context.plan.uuid') AS identity`;

/** Transfers without the rest of what they are: cheap enough to be read all at once. */
export class CopyRows {
  readonly #all;
  readonly #one;

  constructor(database: Database) {
    this.#all = database.prepare<[], CopyTransferRow>(
      `SELECT ${columns} FROM actors WHERE kind = 'transfer' ORDER BY created_at_ms, id`,
    );
    this.#one = database.prepare<[string], CopyTransferRow>(
      `SELECT ${columns} FROM actors WHERE kind = 'transfer' AND id = ?`,
    );
  }

  /** Oldest first. */
  transfers(): CopyTransferRow[] {
    return this.#all.all();
  }

  transfer(id: string): CopyTransferRow | undefined {
    return this.#one.get(id);
  }
}
