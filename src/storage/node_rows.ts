import type { Database } from 'better-sqlite3';
import type { ActorAddress, ActorKind, ProgressRecord } from '../core/records.js';

interface ProgressRow extends Omit<ProgressRecord, 'actor'> {
  kind: ActorKind;
  id: string;
}

/** A child process that runs, or ran when the daemon ended. */
export interface ProcessRecord {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid, it names one process of this boot. */
  readonly start_time: string;
  readonly effect_id: string;
  readonly command: string;
}

/** The rows of `meta`, `progress` and `processes`. */
export class NodeRows {
  readonly #get_meta;
  readonly #set_meta;
  readonly #save_progress;
  readonly #progress;
  readonly #add_process;
  readonly #remove_process;
  readonly #processes;

  constructor(database: Database) {
    this.#get_meta = database.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck();
    this.#set_meta = database.prepare<[string, string]>(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    this.#save_progress = database.prepare<[ProgressRow]>(
      `INSERT OR REPLACE INTO progress VALUES (@kind, @id, @attempt, @stream_bytes, @link_bytes, @total_bytes,
        @rate_bytes_per_s, @started_at_ms, @at_ms, @taken_bytes, @checkpoint_bytes, @checkpoint_at_ms)`,
    );
    this.#progress = database.prepare<[string, string], ProgressRow>(
      'SELECT * FROM progress WHERE kind = ? AND id = ?',
    );
    this.#add_process = database.prepare<[ProcessRecord]>(
      'INSERT OR REPLACE INTO processes VALUES (@pid, @start_time, @effect_id, @command)',
    );
    this.#remove_process = database.prepare<[number]>('DELETE FROM processes WHERE pid = ?');
    this.#processes = database.prepare<[], ProcessRecord>('SELECT * FROM processes');
  }

  meta(key: string): string | undefined {
    return this.#get_meta.get(key);
  }

  setMeta(key: string, value: string): void {
    this.#set_meta.run(key, value);
  }

  /** Overwrites what stood there. */
  saveProgress({ actor, ...rest }: ProgressRecord): void {
    this.#save_progress.run({ ...rest, kind: actor.kind, id: actor.id });
  }

  progress({ kind, id }: ActorAddress): ProgressRecord | undefined {
    const row = this.#progress.get(kind, id);
    if (row === undefined) return undefined;
    const { kind: actor_kind, id: actor_id, ...rest } = row;
    return { ...rest, actor: { kind: actor_kind, id: actor_id } };
  }

  addProcess(process: ProcessRecord): void {
    this.#add_process.run(process);
  }

  removeProcess(pid: number): void {
    this.#remove_process.run(pid);
  }

  processes(): ProcessRecord[] {
    return this.#processes.all();
  }
}
