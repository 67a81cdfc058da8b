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
 * @throws IcbdError `AlreadyRunning` when another daemon holds it, `Internal` when it cannot be made or written
 */
export function lockStateDirectory(directory: string): () => void {
  let lock: Database | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = new BetterSqlite(path.join(directory, 'lock'), { timeout: 0 });
    lock.pragma('journal_mode = DELETE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw lockError(error, directory);
  }
  const held = lock;
  return () => held.close();
}

function lockError(error: unknown, directory: string): IcbdError {
  const details = { operation: 'lock state directory', subject: directory, cause: error };
  if (error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
    return new IcbdError('AlreadyRunning', `another icbdrepd uses the state directory ${directory}`, {
      ...details,
      hint: 'stop the other daemon, or give this one a state_dir of its own',
    });
  }
  return new IcbdError('Internal', `cannot lock the state directory: ${(error as Error).message}`, {
    ...details,
    hint: 'check that the state directory can be made and written',
  });
}

/** What SQLite says when the disk does not do what it should. */
const disk_failures = [
  'SQLITE_IOERR',
  'SQLITE_CORRUPT',
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
  'SQLITE_NOTADB',
];

/** An error of the disk under the database, in words for an operator; undefined for any other. */
export function failureOfDisk(error: unknown, file: string): IcbdError | undefined {
  if (!(error instanceof BetterSqlite.SqliteError)) return undefined;
  const directory = path.dirname(file);
  const details = { operation: 'write state', subject: file, cause: error };
  const message = `the state database cannot be written: ${error.message}`;
  if (error.code === 'SQLITE_FULL') {
    const hint = `make room in ${directory}, then start icbdrepd again: nothing that was answered is lost`;
    return new IcbdError('NoSpace', message, { ...details, hint });
  }
  if (!disk_failures.some((code) => error.code.startsWith(code))) return undefined;
  const hint = `look at the disk of ${directory} (dmesg); "sqlite3 ${file} 'PRAGMA integrity_check'" tells what is left`;
  return new IcbdError('Internal', message, { ...details, hint });
}
