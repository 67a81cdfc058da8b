/** What runs in the thread that reads a whole state database. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkDatabase } from '../../storage/check_database.js';

/** What is wrong; none if nothing is. */
export type DatabaseVerdict = readonly string[];

function judge(): DatabaseVerdict {
  try {
    return checkDatabase((workerData as { file: string }).file);
  } catch (error) {
    return [(error as Error).message];
  }
}

parentPort?.postMessage(judge(), []);
