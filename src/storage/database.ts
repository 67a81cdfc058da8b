import { mkdirSync } from 'node:fs';
import path from 'node:path';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { IcbdError } from '../core/errors.js';
import { migrate, readMigrations } from './migrate.js';

const migrations_directory = new URL('../../migrations/', import.meta.url);

/** How long a statement waits for another process (a reader with a tool, a backup), ms. */
const busy_timeout_ms = 5_000;

/**
 * Opens a state database and brings its schema up to date.
 * @param file its path, or `:memory:`
 * @throws IcbdError `SchemaTooNew`, or `Internal` when it is no database or cannot be opened
 */
export function openDatabase(file: string): Database {
  let database: Database | undefined;
  try {
    database = new BetterSqlite(file, { timeout: busy_timeout_ms });
    database.pragma('journal_mode = WAL');
    // A WAL database is reopened with NORMAL, which may lose the last commits in a power cut: set it each time.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    migrate(database, readMigrations(migrations_directory));
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof IcbdError) throw error;
    throw new IcbdError('Internal', `cannot open the state database: ${(error as Error).message}`, {
      operation: 'open state',
      subject: file,
      hint: 'check that the state directory is writable and its disk has room',
      cause: error,
    });
  }
}

/**
 * Takes the lock of a state directory for as long as this process lives; the kernel frees it, however it ends.
 * @returns what frees it early
 * @throws IcbdError `AlreadyRunning` when another daemon holds it
 */
export function lockStateDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, 'lock');
  const lock = new BetterSqlite(file, { timeout: 0 });
  try {
    lock.pragma('journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof BetterSqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    throw new IcbdError('AlreadyRunning', `another icbdrepd uses the state directory ${directory}`, {
      operation: 'lock state directory',
      subject: directory,
      hint: 'stop the other daemon, or give this one a state_dir of its own',
      cause: error,
    });
  }
  return () => lock.close();
}
