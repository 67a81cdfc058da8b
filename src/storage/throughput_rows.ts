import type { Database } from 'better-sqlite3';

/** Length of the steps that are kept, seconds. */
export const throughput_step_s = 10;

/** Bytes that went to a replica. */
export interface ThroughputRow {
  readonly replica: string;
  /** Begin of the step, unix s. */
  readonly at_s: number;
  /** Uncompressed. */
  readonly stream_bytes: number;
  readonly link_bytes: number;
}

/** The rows of `throughput`: how much went to each replica, in steps of ten seconds. */
export class ThroughputRows {
  readonly #add;
  readonly #sums;
  readonly #forget;

  constructor(database: Database) {
    this.#add = database.prepare<[ThroughputRow]>(`
      INSERT INTO throughput VALUES (@replica, @at_s, @stream_bytes, @link_bytes)
      ON CONFLICT (replica, at_s) DO UPDATE SET stream_bytes = stream_bytes + excluded.stream_bytes,
        link_bytes = link_bytes + excluded.link_bytes`);
    this.#sums = database.prepare<
      [{ replica: string; since_s: number; step_s: number }],
      Omit<ThroughputRow, 'replica'>
    >(`
      SELECT at_s / CAST(@step_s AS INTEGER) * CAST(@step_s AS INTEGER) AS at_s, sum(stream_bytes) AS stream_bytes, sum(link_bytes) AS link_bytes
      FROM throughput WHERE replica = @replica AND at_s >= @since_s GROUP BY 1 ORDER BY 1`);
    this.#forget = database.prepare<[number]>('DELETE FROM throughput WHERE at_s < ?');
  }

  /** Adds to what stands for the same step. */
  add(row: ThroughputRow): void {
    this.#add.run(row);
  }

  /** Sums over `step_s` seconds, oldest first; steps in which nothing went are left out. @param since_s unix s */
  sums(replica: string, since_s: number, step_s: number): Omit<ThroughputRow, 'replica'>[] {
    return this.#sums.all({ replica, since_s, step_s });
  }

  /** Takes away what is older. @param before_s unix s */
  forget(before_s: number): void {
    this.#forget.run(before_s);
  }
}
