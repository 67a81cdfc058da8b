import { createHash } from 'node:crypto';
import type { MachineSnapshot } from '../core/records.js';

/**
 * What a snapshot is recognised by: the same for the same JSON, with its keys in the same order.
 * @returns 16 lower-case hex digits of its SHA-256
 */
export function digestOf(snapshot: MachineSnapshot): string {
  return createHash('sha256').update(JSON.stringify(snapshot)).digest('hex').slice(0, 16);
}
