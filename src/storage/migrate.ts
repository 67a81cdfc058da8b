import { readFileSync, readdirSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { IcbdError } from '../core/errors.js';

const file_name = /^(\d{4})_[a-z0-9_]+\.sql$/;

export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * The numbered files of a directory, in order.
 * @throws IcbdError `Internal` when a number is missing or stands twice
 */
export function readMigrations(directory: URL): Migration[] {
  const migrations = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => ({
      version: Number(file_name.exec(name)?.[1] ?? Number.NaN),
      sql: readFileSync(new URL(name, directory), 'utf8'),
    }));
  migrations.forEach(({ version }, index) => {
    if (version !== index + 1) {
      throw new IcbdError('Internal', `migration ${index + 1} is missing or badly named`, {
        operation: 'read migrations',
        subject: directory.pathname,
      });
    }
  });
  return migrations;
}

/**
 * Brings the schema to the newest version, all in one transaction; several processes may do it at once.
 * @returns the version it had before
 * @throws IcbdError `SchemaTooNew` when the database was made by a newer program: it is left as it is
 */
export function migrate(database: Database, migrations: readonly Migration[]): number {
  const work = database.transaction((): number => {
    const before = database.pragma('user_version', { simple: true }) as number;
    const newest = migrations.length;
    if (before > newest) {
      throw new IcbdError(
        'SchemaTooNew',
        `the state database has schema ${before}, this program knows ${newest}`,
        {
          operation: 'open state',
          subject: database.name,
          hint: 'use the newer icbdrep that wrote it, or another state directory',
        },
      );
    }
    for (const { version, sql } of migrations.slice(before)) {
      database.exec(sql);
      database.pragma(`user_version = ${version}`);
    }
    return before;
  });
  return work.immediate();
}
