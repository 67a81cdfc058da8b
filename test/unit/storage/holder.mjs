// Run by database.test.ts in processes of its own: `lock DIRECTORY` holds the lock until it is killed,
// `open FILE` opens the database once.
import { register } from 'tsx/esm/api';

register();
const { lockStateDirectory, openDatabase } = await import('../../../src/storage/database.ts');
const [what, where] = process.argv.slice(2);
try {
  if (what === 'lock') {
    lockStateDirectory(where);
    process.stdout.write('locked\n');
    setInterval(() => {}, 1_000);
  } else {
    const database = openDatabase(where);
    process.stdout.write(`${String(database.pragma('user_version', { simple: true }))}\n`);
    database.close();
  }
} catch (error) {
  process.stdout.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
