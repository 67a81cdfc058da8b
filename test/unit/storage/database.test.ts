import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { lockStateDirectory, openDatabase } from '../../../src/storage/database.js';
import { migrate, readMigrations } from '../../../src/storage/migrate.js';
import { Storage } from '../../../src/storage/storage.js';

const holder = fileURLToPath(new URL('holder.mjs', import.meta.url));
const migrations = new URL('../../../migrations/', import.meta.url);
const golden = fileURLToPath(new URL('schema.golden.sql', import.meta.url));
let directory: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'icbdrep-storage-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

/** Starts a process and gives the first line it says. */
async function holds(what: 'lock' | 'open', where: string): Promise<string> {
  const child = spawn(process.execPath, [holder, what, where], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return said.toString().trim();
}

function schemaOf(file: string): string {
  const database = openDatabase(file);
  const rows = database
    .prepare<[], { sql: string }>(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
  database.close();
  return `${rows.map(({ sql }) => `${sql};`).join('\n\n')}\n`;
}

describe('the state database', () => {
  test('has the schema of the golden file', () => {
    // A difference here needs a new migration, never an edit of an old one; then write the new schema there.
    expect(schemaOf(':memory:')).toBe(readFileSync(golden, 'utf8'));
  });

  test('is durable at every open, not only at the first', () => {
    const file = path.join(directory, 'state.db');
    for (let opened = 0; opened < 2; opened += 1) {
      const database = openDatabase(file);
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(database.pragma('synchronous', { simple: true })).toBe(2);
      database.close();
    }
  });

  test('waits for the disk in every transaction but a quick one', () => {
    const pragma = vi.spyOn(BetterSqlite.prototype, 'pragma');
    const storage = Storage.open(path.join(directory, 'state.db'));
    const database = pragma.mock.contexts[0] as BetterSqlite.Database;
    pragma.mockRestore();
    const synchronous = (): unknown => database.pragma('synchronous', { simple: true });
    const normal = 1;
    const full = 2;
    expect(storage.quickTransaction(synchronous)).toBe(normal);
    expect(storage.transaction(synchronous)).toBe(full);
    expect(() =>
      storage.quickTransaction(() => {
        throw new Error('undone');
      }),
    ).toThrow('undone');
    expect(synchronous()).toBe(full);
    storage.close();
  });

  test('of a newer program is refused and left as it is', () => {
    const file = path.join(directory, 'state.db');
    const newer = openDatabase(file);
    newer.pragma('user_version = 9999');
    newer.exec('CREATE TABLE of_the_future (x TEXT) STRICT');
    newer.close();
    expect(() => openDatabase(file)).toThrow(
      expect.objectContaining({ code: 'SchemaTooNew', subject: file }),
    );
    const after = new BetterSqlite(file);
    expect(after.pragma('user_version', { simple: true })).toBe(9999);
    after.close();
  });

  test('of an older program is brought up to date, with all that stands in it', () => {
    const file = path.join(directory, 'state.db');
    const [first] = readMigrations(migrations);
    const old = new BetterSqlite(file);
    old.pragma('journal_mode = WAL');
    expect(migrate(old, first === undefined ? [] : [first])).toBe(0);
    old.exec("INSERT INTO meta VALUES ('instance', 'of before')");
    old.close();
    expect(schemaOf(file)).toBe(readFileSync(golden, 'utf8'));
    const after = new BetterSqlite(file);
    expect(after.prepare('SELECT * FROM meta').all()).toEqual([{ key: 'instance', value: 'of before' }]);
    expect(migrate(after, readMigrations(migrations))).toBe(readMigrations(migrations).length);
    after.close();
  });

  test('that is none, or cannot be made, is an error with a hint', () => {
    const file = path.join(directory, 'no.db');
    writeFileSync(
      file,
      'this is a text and no database, however long it is made to be by this sentence'.repeat(20),
    );
    expect(() => openDatabase(file)).toThrow(expect.objectContaining({ code: 'Internal', subject: file }));
    expect(() => openDatabase(path.join(directory, 'no', 'where.db'))).toThrow(
      expect.objectContaining({ code: 'Internal', hint: expect.stringContaining('state directory') }),
    );
  });

  test('is made once by twenty processes that open it at the same time', async () => {
    const file = path.join(directory, 'state.db');
    const versions = await Promise.all(Array.from({ length: 20 }, () => holds('open', file)));
    const newest = readMigrations(migrations).length;
    expect(new Set(versions)).toEqual(new Set([String(newest)]));
    expect(schemaOf(file)).toBe(readFileSync(golden, 'utf8'));
  }, 60_000);
});

describe('readMigrations', () => {
  test('refuses a gap in the numbers', () => {
    writeFileSync(path.join(directory, '0001_a.sql'), '');
    writeFileSync(path.join(directory, '0003_c.sql'), '');
    expect(() => readMigrations(new URL(`file://${directory}/`))).toThrow('migration 2 is missing');
  });
});

describe('the lock of a state directory', () => {
  test('is held by one process, and freed when that is killed', async () => {
    expect(await holds('lock', directory)).toBe('locked');
    expect(() => lockStateDirectory(directory)).toThrow(expect.objectContaining({ code: 'AlreadyRunning' }));
    const [child] = children as [ChildProcess];
    child.kill('SIGKILL');
    await once(child, 'exit');
    const free = lockStateDirectory(directory);
    expect(await holds('lock', directory)).toContain('AlreadyRunning');
    free();
    expect(await holds('lock', directory)).toBe('locked');
  });

  test('makes the directory, and says when it cannot', () => {
    lockStateDirectory(path.join(directory, 'a', 'b'))();
    writeFileSync(path.join(directory, 'file'), '');
    expect(() => lockStateDirectory(path.join(directory, 'file'))).toThrow(
      expect.objectContaining({ code: 'Internal', operation: 'lock state directory' }),
    );
  });
});
