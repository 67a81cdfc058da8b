import type { Database } from 'better-sqlite3';
import type { NameReport, RemovedNameReport } from '../core/name_report.js';

interface NameRow extends Omit<NameReport, 'metadata'> {
  /** JSON. */
  metadata: string;
}

const columns = [
  'name',
  'address',
  'metadata',
  'owner',
  'lease_s',
  'registered_at_ms',
  'renewed_at_ms',
  'expires_at_ms',
  'state',
  'state_at_ms',
  'state_reason',
] as const satisfies readonly (keyof NameRow)[];

/** A row without the names of its columns, which take twice as long to read. */
type Bare<T extends readonly (keyof NameRow)[]> = { readonly [Index in keyof T]: NameRow[T[Index]] };
type BareRow = Bare<typeof columns>;

function fromBareRow(row: BareRow): NameReport {
  return {
    name: row[0],
    address: row[1],
    metadata: JSON.parse(row[2]) as string[],
    owner: row[3],
    lease_s: row[4],
    registered_at_ms: row[5],
    renewed_at_ms: row[6],
    expires_at_ms: row[7],
    state: row[8],
    state_at_ms: row[9],
    state_reason: row[10],
  };
}

function fromRow(row: NameRow): NameReport {
  return { ...row, metadata: JSON.parse(row.metadata) as string[] };
}

/** The rows of `names` and `removed_names`. */
export class NameRows {
  readonly #get;
  readonly #from;
  readonly #save;
  readonly #delete;
  readonly #count;
  readonly #count_of;
  readonly #renew;
  readonly #renew_all;
  readonly #lapsed;
  readonly #unreachable;
  readonly #add_removed;
  readonly #forget_removed;
  readonly #removed;

  constructor(database: Database) {
    this.#get = database.prepare<[string], NameRow>('SELECT * FROM names WHERE name = ?');
    this.#from = database
      .prepare<[string], BareRow>(`SELECT ${columns.join(', ')} FROM names WHERE name >= ? ORDER BY name`)
      .raw();
    this.#save = database.prepare<[NameRow]>(
      `INSERT OR REPLACE INTO names VALUES (@name, @address, @metadata, @owner, @lease_s, @registered_at_ms,
        @renewed_at_ms, @expires_at_ms, @state, @state_at_ms, @state_reason)`,
    );
    this.#delete = database.prepare<[string]>('DELETE FROM names WHERE name = ?');
    this.#count = database.prepare<[], number>('SELECT count(*) FROM names').pluck();
    this.#count_of = database.prepare<[string], number>('SELECT count(*) FROM names WHERE owner = ?').pluck();
    this.#renew = database
      .prepare<[{ owner: string; now_ms: number }], string>(
        `UPDATE names SET renewed_at_ms = @now_ms, expires_at_ms = @now_ms + lease_s * 1000
        WHERE owner = @owner AND lease_s IS NOT NULL RETURNING name`,
      )
      .pluck();
    this.#renew_all = database.prepare<[number]>(
      'UPDATE names SET expires_at_ms = ? + lease_s * 1000 WHERE lease_s IS NOT NULL',
    );
    this.#lapsed = database.prepare<[number], NameRow>(
      'SELECT * FROM names WHERE expires_at_ms <= ? ORDER BY name',
    );
    this.#unreachable = database.prepare<[{ before_ms: number }], NameRow>(
      `SELECT * FROM names WHERE state = 'unreachable' AND state_at_ms <= @before_ms
        AND renewed_at_ms <= @before_ms ORDER BY name`,
    );
    this.#add_removed = database.prepare<[RemovedNameReport]>(
      `INSERT INTO removed_names (name, address, owner, removed_at_ms, reason)
        VALUES (@name, @address, @owner, @removed_at_ms, @reason)`,
    );
    this.#forget_removed = database.prepare<[number]>(
      'DELETE FROM removed_names WHERE id <= (SELECT max(id) FROM removed_names) - ?',
    );
    this.#removed = database.prepare<[number], RemovedNameReport>(
      'SELECT name, address, owner, removed_at_ms, reason FROM removed_names ORDER BY id DESC LIMIT ?',
    );
  }

  get(name: string): NameReport | undefined {
    const row = this.#get.get(name);
    return row === undefined ? undefined : fromRow(row);
  }

  /** All that start with `prefix` and match, in the order of their bytes. */
  withPrefix(prefix: string, matches: (name: string) => boolean): NameReport[] {
    const found: NameReport[] = [];
    // In this order, names with one prefix stand side by side.
    for (const row of this.#from.iterate(prefix)) {
      const [name] = row;
      if (!name.startsWith(prefix)) break;
      if (matches(name)) found.push(fromBareRow(row));
    }
    return found;
  }

  /** Overwrites what stood there. */
  save(report: NameReport): void {
    this.#save.run({ ...report, metadata: JSON.stringify(report.metadata) });
  }

  delete(name: string): void {
    this.#delete.run(name);
  }

  count(): number {
    return this.#count.get() ?? 0;
  }

  countOf(owner: string): number {
    return this.#count_of.get(owner) ?? 0;
  }

  /**
   * Starts a new period for every lease of an owner.
   * @returns their names, sorted
   */
  renew(owner: string, now_ms: number): string[] {
    return this.#renew.all({ owner, now_ms }).toSorted();
  }

  /** Starts a new period for every lease; nobody is said to have renewed. */
  extendAll(now_ms: number): void {
    this.#renew_all.run(now_ms);
  }

  /** Those whose lease has ended by then. */
  lapsed(now_ms: number): NameReport[] {
    return this.#lapsed.all(now_ms).map(fromRow);
  }

  /** Those that were reported unreachable, and renewed for the last time, not after `before_ms`. */
  unreachable(before_ms: number): NameReport[] {
    return this.#unreachable.all({ before_ms }).map(fromRow);
  }

  /**
   * Keeps a registration that is gone.
   * @param kept_max how many are kept; the oldest go
   */
  addRemoved(removed: RemovedNameReport, kept_max: number): void {
    this.#add_removed.run(removed);
    this.#forget_removed.run(kept_max);
  }

  /** The newest first. */
  removed(limit: number): RemovedNameReport[] {
    return this.#removed.all(limit);
  }
}
