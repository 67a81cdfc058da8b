import type { Database } from 'better-sqlite3';
import { ActorRows } from './actor_rows.js';
import { CopyRows } from './copy_rows.js';
import type { IcbdError } from '../core/errors.js';
import { failureOfDisk, openDatabase } from './database.js';
import { HistoryRows } from './history_rows.js';
import { MessageRows, TimerRows } from './message_rows.js';
import { NameRows } from './name_rows.js';
import { NodeRows } from './node_rows.js';
import { PathRows } from './path_rows.js';
import { PruningRows } from './pruning_rows.js';
import { ThroughputRows } from './throughput_rows.js';

/** The state of one node: all rows, and the transaction they change in. */
export class Storage {
  readonly actors: ActorRows;
  readonly history: HistoryRows;
  readonly messages: MessageRows;
  readonly timers: TimerRows;
  readonly node: NodeRows;
  readonly names: NameRows;
  readonly pruning: PruningRows;
  readonly paths: PathRows;
  readonly copies: CopyRows;
  readonly throughput: ThroughputRows;
  /** Called when the database cannot be written any more: full disk, failing disk. The node cannot go on then. */
  onFailure: (error: IcbdError) => void = () => undefined;
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    this.actors = new ActorRows(database);
    this.history = new HistoryRows(database);
    this.messages = new MessageRows(database);
    this.timers = new TimerRows(database);
    this.node = new NodeRows(database);
    this.names = new NameRows(database);
    this.pruning = new PruningRows(database);
    this.paths = new PathRows(database);
    this.copies = new CopyRows(database);
    this.throughput = new ThroughputRows(database);
  }

  /**
   * @param file path of the database, made if there is none; `:memory:` for one that nobody keeps
   * @throws IcbdError `SchemaTooNew`, `Internal`
   */
  static open(file: string): Storage {
    return new Storage(openDatabase(file));
  }

  /**
   * Runs `work` in one IMMEDIATE transaction: all of its changes are durable when this returns, or none is.
   * @throws what `work` throws; IcbdError `NoSpace`, `Internal` when the disk fails, which `onFailure` hears first
   */
  transaction<T>(work: () => T): T {
    try {
      return this.#database.transaction(work).immediate();
    } catch (error) {
      const failure = failureOfDisk(error, this.#database.name);
      if (failure === undefined) throw error;
      this.onFailure(failure);
      throw failure;
    }
  }

  /**
   * As `transaction`, without waiting for the disk: a power cut may undo it, and a crash of this process does not.
   * For what is told again soon, and so often that waiting each time would hold up the node.
   */
  quickTransaction<T>(work: () => T): T {
    this.#database.pragma('synchronous = NORMAL');
    try {
      return this.transaction(work);
    } finally {
      this.#database.pragma('synchronous = FULL');
    }
  }

  /** Writes a row, and hands it to the disk. @throws what SQLite throws; nobody else hears of it */
  tryToWrite(): void {
    this.#database.pragma('synchronous = NORMAL');
    try {
      this.#database.transaction(() => this.node.setMeta('tried_to_write', '')).immediate();
    } finally {
      this.#database.pragma('synchronous = FULL');
    }
  }

  /** Size of the database, without its log, in bytes. */
  sizeBytes(): number {
    const pages = this.#database.pragma('page_count', { simple: true }) as number;
    return pages * (this.#database.pragma('page_size', { simple: true }) as number);
  }

  close(): void {
    this.#database.close();
  }
}
