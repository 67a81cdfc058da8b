import BetterSqlite from 'better-sqlite3';

/** Longest time to wait for a writer, ms. */
const busy_timeout_ms = 5_000;

/**
 * What `PRAGMA quick_check` finds in a state database, which may be in use; none if it is whole. It reads all of it.
 * @throws Error if the file is no database, or cannot be opened
 */
export function checkDatabase(file: string): string[] {
  const database = new BetterSqlite(file, { readonly: true, fileMustExist: true, timeout: busy_timeout_ms });
  try {
    const rows = database.pragma('quick_check(10)') as { quick_check: string }[];
    return rows.map(({ quick_check }) => quick_check).filter((line) => line !== 'ok');
  } finally {
    database.close();
  }
}
