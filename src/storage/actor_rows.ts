import type { Database } from 'better-sqlite3';
import type { ActorAddress, ActorKind, ActorRecord, ActorStatus } from '../core/records.js';

interface Row {
  kind: ActorKind;
  id: string;
  machine_version: number;
  status: ActorStatus;
  parked_reason: string;
  snapshot: string;
  state: string;
  settled: number;
  image: string | null;
  replica: string | null;
  number: string | null;
  seq: number;
  epoch: number;
  created_at_ms: number;
  updated_at_ms: number;
}

/** Which actors a list is of. All given conditions must hold. */
export interface ActorFilter {
  readonly kind: ActorKind;
  readonly states?: readonly string[];
  readonly settled?: boolean;
  readonly status?: ActorStatus;
  readonly image?: string;
  readonly replica?: string;
  readonly snapshot?: string;
  /** Part of the id or of a label, whatever the case of its letters. */
  readonly text?: string | undefined;
  /** Unix ms; made at or after it. */
  readonly since_ms?: number;
  readonly id_prefix?: string;
  /** Default: when they were made. */
  readonly sort?: ActorOrder | undefined;
  /** Default: down, the newest first. */
  readonly direction?: 'up' | 'down' | undefined;
  /** So many of the first are left out. */
  readonly offset?: number | undefined;
  /** At most so many; default 1,000. */
  readonly limit?: number | undefined;
}

/** What a list of actors can be sorted by; those that are equal come in the order in which they were made. */
export type ActorOrder = 'created' | 'updated' | 'image' | 'replica' | 'state';

const order_columns: Readonly<Record<ActorOrder, readonly string[]>> = {
  created: [],
  updated: ['updated_at_ms'],
  // 9 comes before 10.
  image: ['image', 'length(number)', 'number'],
  replica: ['replica'],
  state: ['state'],
};

/** Written out: spreading a thousand rows takes longer than reading them. */
function fromRow(row: Row): ActorRecord {
  const labels: { image?: string; replica?: string; snapshot?: string } = {};
  if (row.image !== null) labels.image = row.image;
  if (row.replica !== null) labels.replica = row.replica;
  if (row.number !== null) labels.snapshot = row.number;
  return {
    kind: row.kind,
    id: row.id,
    machine_version: row.machine_version,
    status: row.status,
    parked_reason: row.parked_reason,
    snapshot: JSON.parse(row.snapshot) as ActorRecord['snapshot'],
    state: row.state,
    settled: row.settled === 1,
    labels,
    seq: row.seq,
    epoch: row.epoch,
    created_at_ms: row.created_at_ms,
    updated_at_ms: row.updated_at_ms,
  };
}

function toRow(record: ActorRecord): Row {
  const { labels, ...rest } = record;
  return {
    ...rest,
    snapshot: JSON.stringify(record.snapshot),
    settled: record.settled ? 1 : 0,
    image: labels.image ?? null,
    replica: labels.replica ?? null,
    number: labels.snapshot ?? null,
  };
}

/** The conditions of a filter as SQL, and the values in it. */
function conditionsOf(filter: ActorFilter): { readonly conditions: string; readonly values: unknown[] } {
  const conditions = ['kind = ?'];
  const values: unknown[] = [filter.kind];
  const add = (condition: string, value: unknown): void => {
    conditions.push(condition);
    values.push(value);
  };
  if (filter.settled !== undefined) add('settled = ?', filter.settled ? 1 : 0);
  if (filter.status !== undefined) add('status = ?', filter.status);
  if (filter.image !== undefined) add('image = ?', filter.image);
  if (filter.replica !== undefined) add('replica = ?', filter.replica);
  if (filter.snapshot !== undefined) add('number = ?', filter.snapshot);
  if (filter.text !== undefined && filter.text !== '') {
    const labels = 'concat_ws(char(10), id, image, number, replica)';
    add(`instr(lower(${labels}), lower(?)) > 0`, filter.text);
  }
  if (filter.since_ms !== undefined) add('created_at_ms >= ?', filter.since_ms);
  if (filter.id_prefix !== undefined) add('substr(id, 1, length(?)) = ?', filter.id_prefix);
  if (filter.id_prefix !== undefined) values.push(filter.id_prefix);
  if (filter.states !== undefined && filter.states.length > 0) {
    conditions.push(
      `iif(status = 'parked', 'parked', state) IN (${filter.states.map(() => '?').join(', ')})`,
    );
    values.push(...filter.states);
  }
  return { conditions: conditions.join(' AND '), values };
}

/** The rows of `actors`: one for each actor, overwritten by each of its events. */
export class ActorRows {
  readonly #database: Database;
  readonly #load;
  readonly #save;

  constructor(database: Database) {
    this.#database = database;
    this.#load = database.prepare<[string, string], Row>('SELECT * FROM actors WHERE kind = ? AND id = ?');
    this.#save = database.prepare<[Row]>(`
      INSERT INTO actors VALUES (@kind, @id, @machine_version, @status, @parked_reason, @snapshot, @state,
        @settled, @image, @replica, @number, @seq, @epoch, @created_at_ms, @updated_at_ms)
      ON CONFLICT (kind, id) DO UPDATE SET machine_version = excluded.machine_version,
        status = excluded.status, parked_reason = excluded.parked_reason, snapshot = excluded.snapshot,
        state = excluded.state, settled = excluded.settled, image = excluded.image,
        replica = excluded.replica, number = excluded.number, seq = excluded.seq, epoch = excluded.epoch,
        updated_at_ms = excluded.updated_at_ms`);
  }

  load({ kind, id }: ActorAddress): ActorRecord | undefined {
    const row = this.#load.get(kind, id);
    return row === undefined ? undefined : fromRow(row);
  }

  save(record: ActorRecord): void {
    this.#save.run(toRow(record));
  }

  /** Newest first, unless the filter says otherwise. */
  list(filter: ActorFilter): ActorRecord[] {
    const { conditions, values } = conditionsOf(filter);
    const direction = filter.direction === 'up' ? 'ASC' : 'DESC';
    const columns = [...order_columns[filter.sort ?? 'created'], 'created_at_ms', 'id'];
    const order = columns.map((column) => `${column} ${direction}`).join(', ');
    // Sorted by their keys alone: a snapshot is many times as large as what it is sorted by.
    const wanted = `SELECT kind, id FROM actors WHERE ${conditions} ORDER BY ${order} LIMIT ? OFFSET ?`;
    return this.#database
      .prepare<unknown[], Row>(
        `WITH wanted AS MATERIALIZED (${wanted})
          SELECT actors.* FROM wanted CROSS JOIN actors USING (kind, id) ORDER BY ${order}`,
      )
      .all(...values, filter.limit ?? 1_000, filter.offset ?? 0)
      .map(fromRow);
  }

  /** How many of those that the filter wants, whatever its limit, are in each state; `parked` is one here. */
  count(filter: ActorFilter): Record<string, number> {
    const { conditions, values } = conditionsOf(filter);
    const rows = this.#database
      .prepare<unknown[], { state: string; count: number }>(
        `SELECT iif(status = 'parked', 'parked', state) AS state, count(*) AS count FROM actors
          WHERE ${conditions} GROUP BY 1 ORDER BY 1`,
      )
      .all(...values);
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** All that are not settled, oldest first: what goes on after a restart. */
  unsettled(): ActorAddress[] {
    return this.#database
      .prepare<[], ActorAddress>(
        'SELECT kind, id FROM actors WHERE settled = 0 ORDER BY created_at_ms, kind, id',
      )
      .all();
  }

  /** How many actors of a kind are in each state. */
  countByState(kind: ActorKind): Record<string, number> {
    const rows = this.#database
      .prepare<[string], { state: string; count: number }>(
        'SELECT state, count(*) AS count FROM actors WHERE kind = ? GROUP BY state ORDER BY state',
      )
      .all(kind);
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  parked(): ActorRecord[] {
    return this.#database
      .prepare<[], Row>("SELECT * FROM actors WHERE status = 'parked' ORDER BY kind, id")
      .all()
      .map(fromRow);
  }
}
